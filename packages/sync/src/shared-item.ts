/** What a cluster shares with the others of its mesh: services with their endpoints, and gateways into its networks. */

import { z } from "zod";

/** Items of one cluster: what is more is left out by its agent, and refused by the room. */
export const MAX_SHARED_ITEMS = 10_000;
/** One item's JSON, characters: a service with more endpoints than fit is several items. */
export const MAX_ITEM_CHARACTERS = 16 * 1024;
/** Clusters that share one mesh. */
export const MAX_CLUSTERS = 64;
/** A cluster whose agent is gone is kept for so long, milliseconds: the bounds of what an agent may ask for. */
export const TIME_TO_LIVE = { least: 1_000, most: 24 * 60 * 60 * 1000 } as const;

const text = z.string().max(1024);
const port = z.int().min(0).max(65_535);

/** One address and port that serves, as `WorkloadEndpoint` of the model has it; what its labels say is left out. */
export const sharedEndpointSchema = z.object({
  address: text.min(1),
  port,
  /** Of the service's port. */
  portName: text,
  ready: z.boolean(),
  labels: z.record(text, text),
  pod: text,
  hostname: text.optional(),
  workload: text,
  serviceAccount: text,
  locality: z.object({ region: text, zone: text, subzone: text }).optional(),
  network: text.optional(),
  nodeName: text.optional(),
  /** Takes mutual TLS of the mesh. */
  mtls: z.boolean(),
  weight: z.int().min(0),
});
export type SharedEndpoint = z.infer<typeof sharedEndpointSchema>;

const sharedServiceSchema = z.object({
  kind: z.literal("service"),
  /** Equal for what takes another's place. */
  key: text.min(1),
  host: text.min(1),
  namespace: text,
  /** The Service without its addresses and its selector, for clusters that have none of that name; in its first item alone. */
  document: z.record(z.string(), z.unknown()).optional(),
  endpoints: z.array(sharedEndpointSchema),
});

const sharedGatewaySchema = z.object({
  kind: z.literal("gateway"),
  key: text.min(1),
  /** The network that it leads into. */
  network: text.min(1),
  address: text.min(1),
  port,
});

export const sharedItemSchema = z
  .discriminatedUnion("kind", [sharedServiceSchema, sharedGatewaySchema])
  .refine(
    (item) => JSON.stringify(item).length <= MAX_ITEM_CHARACTERS,
    "an item that is too large",
  );
export type SharedItem = z.infer<typeof sharedItemSchema>;
export type SharedService = z.infer<typeof sharedServiceSchema>;
export type SharedGateway = z.infer<typeof sharedGatewaySchema>;
