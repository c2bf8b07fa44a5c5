/** What somebody who runs the plane in a cluster may choose: the values of the chart `heddle`. */
import { z } from "zod";
import { laidOver } from "../install/laid-over.ts";
import {
  imageAccess,
  PLANE_IMAGE,
  podPlacement,
  quantities,
  secretKey,
  text,
  tokenSecret,
} from "../install/value-parts.ts";

const service = z.strictObject({
  type: z.enum(["ClusterIP", "NodePort", "LoadBalancer"]).default("ClusterIP"),
  port: z.int().min(1).max(65_535).default(8700),
  /** Of every node, where the type has one; 0 takes any that is free. */
  nodePort: z.int().min(0).max(65_535).default(0),
  annotations: z.record(z.string(), z.string()).default({}),
});

const storage = z.strictObject({
  /** On a volume that outlives pods; else telemetry, and without a database of its own all of it, goes with the pod. */
  persistent: z.boolean().default(true),
  /** Of a claim that is made. */
  size: text.min(1).default("10Gi"),
  /** The StorageClass of a claim that is made; the cluster's usual one without it. */
  class: text.default(""),
  /** A claim that is there already, in place of one that is made. */
  claim: text.default(""),
  /** Whether Helm leaves the claim, and the keys that its data is read with, when the release is uninstalled. */
  keep: z.boolean().default(true),
});

const kms = z.strictObject({
  /** Where a key service has the key that wraps private keys, such as `https://vault.example:8200/v1/transit/keys/heddle`; empty: none is asked. */
  key: text.default(""),
  /** `open` on the way back to an envelope key: what it has sealed is opened, and nothing more is sealed. */
  mode: z.enum(["seal", "open"]).default("seal"),
  /** Of the key service. */
  namespace: text.default(""),
  /** The Secret with the token that it is asked with, which may be exchanged at any time. */
  tokenSecret: secretKey(text.min(1).default("heddle-kms-token"), "token"),
});

/** Of the plane itself; what it has in common with an agent beside it stands outside. */
export const server = {
  /** Percent of requests, of a mesh that is made. */
  traceSampling: z.number().min(0).max(100).default(1),
  service: service.prefault({}),
  storage: storage.prefault({}),
  /** The Secret with the URL of a Postgres, in place of the embedded database. */
  database: secretKey(text.default(""), "url"),
  /** The Secret with one's own key that wraps private keys, 32 bytes in base64; without it the plane makes one. */
  envelopeKey: secretKey(text.default(""), "envelope-key"),
  /** A key service in place of a key that wraps private keys. */
  kms: kms.prefault({}),
  resources: quantities.prefault({
    requests: { cpu: "200m", memory: "512Mi" },
    limits: { memory: "2Gi" },
  }),
  ...podPlacement,
};

const planeValuesSchema = z.strictObject({
  images: z.strictObject({ ...imageAccess, plane: text.min(1).default(PLANE_IMAGE) }).prefault({}),
  /** Which is made at the first start. */
  mesh: z
    .strictObject({
      name: text.min(1).default("default"),
      trustDomain: text.min(1).default("cluster.local"),
    })
    .prefault({}),
  tokenSecret,
  ...server,
});

export type PlaneValues = z.output<typeof planeValuesSchema>;
/** As they are written: everything may be left out. */
export type GivenPlaneValues = z.input<typeof planeValuesSchema>;

/** The defaults with what is given laid over them. Throws `ZodError`. */
export function planeValuesOf(given: GivenPlaneValues = {}): PlaneValues {
  return planeValuesSchema.parse(laidOver(planeValuesSchema.parse({}), given));
}

/** Of values as they are written, for editors and for Helm: JSON Schema, draft 7. */
export function planeValuesJsonSchema(): { readonly properties?: object } {
  return z.toJSONSchema(planeValuesSchema, { io: "input", target: "draft-7" });
}
