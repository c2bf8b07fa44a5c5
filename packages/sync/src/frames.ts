/** Everything that travels on the agent's socket: heads down, acknowledgements and summaries up. */

import { z } from "zod";
import { accessAnswerSchema, accessQuestionSchema } from "./access.ts";
import { effectSchema } from "./effect.ts";
import { cohortSchema } from "./overlay.ts";
import { hashSchema, revisionHeaderSchema } from "./header.ts";
import { MAX_CLUSTERS, sharedItemSchema, TIME_TO_LIVE } from "./shared-item.ts";
import { publicKeySchema, signatureSchema } from "./signing.ts";
import { SyncError } from "./sync-error.ts";

/** A frame's UTF-8 length at most. Content goes in bundles: a Durable Object holds every frame in memory while it hibernates between them. */
export const MAX_FRAME_BYTES = 64 * 1024;
/** Names in one `ack`: enough to show who is late; the whole list is in `proxies` frames. */
export const MAX_LAGGARDS = 100;
/** Rejections in one `ack`: one bad object is refused by every proxy, so the first few tell. */
export const MAX_REJECTIONS = 50;
/** A message from Envoy can hold a whole resource; its beginning names what is wrong. */
export const MAX_REASON_CHARACTERS = 600;
/** A bundle up to this size may ride in its head; the rest of the frame is far smaller than what is left. */
export const MAX_INLINE_BYTES = 32 * 1024;

const text = z.string().max(1024);
const count = z.int().min(0);

/** The newest revision, with what it takes to get it. */
export const headSchema = revisionHeaderSchema.extend({
  /** Hash of this header. */
  hash: hashSchema,
  signature: signatureSchema,
  /** Hash of the bundle that leads to it, from the parent's state or from nothing. */
  bundle: hashSchema,
  kind: z.enum(["change", "snapshot"]),
  /** Features that an agent must have to understand it. */
  requires: z.array(z.string().max(64)).max(32).default([]),
});
export type Head = z.infer<typeof headSchema>;

/** Refused resources told of one type of a proxy. */
export const MAX_REFUSALS = 5;
/** Objects named for one refusal. */
export const MAX_CULPRITS = 5;

/** A resource that a proxy does not take, and the objects that it was made from and that are to blame. */
export const refusalSchema = z.object({
  resource: text,
  reason: z.string().max(MAX_REASON_CHARACTERS),
  /** Keys; none where it is not known. */
  objects: z.array(text).max(MAX_CULPRITS),
  /** The objects are held at what they were before, so that the rest goes on. */
  held: z.boolean(),
});

export const proxyTypeSchema = z.object({
  version: text,
  acknowledgedAt: z.iso.datetime().optional(),
  resources: count,
  error: z.string().max(MAX_REASON_CHARACTERS).optional(),
  /** The key of the first object to blame, or else the name of the resource. */
  culprit: text.optional(),
  refusals: z.array(refusalSchema).max(MAX_REFUSALS).optional(),
});

/** Roots that one proxy may trust at a time: a rotation has two. */
export const MAX_ROOTS = 8;
/** Names of proxies that an agent waits for. */
export const MAX_MISSING = 100;
/** SHA-256 of a root certificate's DER, hexadecimal. */
const fingerprint = hashSchema;

/** Trust domains that one mesh federates with. */
export const MAX_FEDERATIONS = 16;

/** What an agent has in force of another trust domain. */
export const federationReportSchema = z.object({
  trustDomain: z.string().max(255),
  /** As the bundle has it; absent where it has none. */
  sequence: count.optional(),
  /** When its endpoint last answered; absent for one that none is asked for, and before the first answer. */
  fetchedAt: z.iso.datetime().optional(),
  /** Why the endpoint's last answer, or the lack of one, is not followed. */
  error: z.string().max(500).optional(),
  roots: z
    .array(
      z.object({
        fingerprint,
        subject: z.string().max(200),
        serialNumber: z.string().max(64),
        notBefore: z.iso.datetime(),
        notAfter: z.iso.datetime(),
      }),
    )
    .max(MAX_ROOTS),
});
export type FederationReport = z.infer<typeof federationReportSchema>;
export type FederatedRoot = FederationReport["roots"][number];

/** The certificates that a proxy has acknowledged, and whom it trusts. */
export const proxyTrustSchema = z.object({
  /** Fingerprints of the roots; absent: it asked for none. */
  roots: z.array(fingerprint).max(MAX_ROOTS).optional(),
  /** Of its own certificate; absent: it has none. */
  leaf: z
    .object({
      spiffeId: z.string().max(2048),
      /** Hexadecimal. */
      serialNumber: z.string().max(64),
      /** The root that it leads to. */
      root: fingerprint,
      /** Who has signed it, as certificates name it. */
      issuer: text,
      notBefore: z.iso.datetime(),
      notAfter: z.iso.datetime(),
    })
    .optional(),
  /** Something newer is on its way. */
  pending: z.boolean(),
});
export type ProxyTrust = z.infer<typeof proxyTrustSchema>;

/** A connected proxy, as in the API's `ProxyInfo` without its agent. */
export const proxyReportSchema = z.object({
  id: text,
  name: text,
  type: z.enum(["sidecar", "router"]),
  cohort: cohortSchema.default("stable"),
  connectedAt: z.iso.datetime(),
  acknowledged: count,
  state: z.enum(["synced", "pending", "stale", "rejected"]),
  types: z.record(z.string().max(64), proxyTypeSchema),
  /** From agents with the feature `authority`. */
  trust: proxyTrustSchema.optional(),
});
export type ProxyReport = z.infer<typeof proxyReportSchema>;

export const rejectionSchema = z.object({
  proxy: text,
  /** `CDS`, `EDS`, `LDS`, `RDS` or `SDS`. */
  type: z.string().max(64),
  resource: text.optional(),
  reason: z.string().max(MAX_REASON_CHARACTERS),
  /** Key of the object that the resource came from, where known. */
  culprit: text.optional(),
});
export type Rejection = z.infer<typeof rejectionSchema>;

export const serviceReportSchema = z.object({
  host: text,
  name: text,
  namespace: text,
  ports: z
    .array(z.object({ name: text, port: z.int().min(0).max(65535), protocol: z.string().max(32) }))
    .max(200),
});
export type ServiceReport = z.infer<typeof serviceReportSchema>;

const mtlsMode = z.enum(["DISABLE", "PERMISSIVE", "STRICT"]);

/** Which connections the sidecars of a workload take, as PeerAuthentication has it. */
export const mutualTlsReportSchema = z.object({
  mode: mtlsMode,
  /** The workload's own ports where it is another mode. */
  ports: z.record(text, mtlsMode),
});
export type MutualTlsReport = z.infer<typeof mutualTlsReportSchema>;

export const workloadReportSchema = z.object({
  name: text,
  namespace: text,
  app: text,
  version: text,
  serviceAccount: text,
  pods: count,
  /** Hosts of the services that it serves. */
  services: z.array(text).max(200),
  labels: z.record(text, text),
  /** Older agents do not say. */
  mtls: mutualTlsReportSchema.optional(),
});
export type WorkloadReport = z.infer<typeof workloadReportSchema>;

/** A configuration object that lives in the cluster and is owned there. */
export const ownedReportSchema = z.object({ key: text, source: text.optional() });
export type OwnedReport = z.infer<typeof ownedReportSchema>;

/** An object that two owners claim; the cluster's is in force. */
export const diagnosticReportSchema = z.object({
  code: z.string().max(16),
  level: z.enum(["Error", "Warning", "Info"]),
  message: z.string().max(MAX_REASON_CHARACTERS),
  origin: text,
  reference: text.optional(),
  remedy: z.string().max(MAX_REASON_CHARACTERS).optional(),
});
export type DiagnosticReport = z.infer<typeof diagnosticReportSchema>;

/** A cluster that shares its services with the others of its mesh, as its agent says. */
export const sharingSchema = z.object({
  /** Agents that name the same cluster share nothing with each other. */
  cluster: text.min(1),
  /** Milliseconds that others keep what it shares when its agent is gone. */
  ttl: z.int().min(TIME_TO_LIVE.least).max(TIME_TO_LIVE.most),
});
export type Sharing = z.infer<typeof sharingSchema>;

/** Of what a cluster shares; parts of one version come one after the other. */
const sharedPart = {
  /** The version that this changes; absent: what came before is forgotten. */
  from: hashSchema.optional(),
  /** Hash of all items, after the last part. */
  version: hashSchema,
  part: count,
  parts: z.int().min(1).max(4096),
  upserted: z.array(sharedItemSchema),
  removed: z.array(text),
};

const up = {
  hello: z.object({
    type: z.literal("hello"),
    /** Protocol versions spoken, newest first. */
    protocols: z.array(z.int().min(1)).min(1).max(16),
    agent: text,
    version: z.string().max(64),
    features: z.array(z.string().max(64)).max(64),
    /** The last revision in force at the agent; 0 for none. */
    applied: count,
    /** The last revision that every proxy has acknowledged; 0 for none. */
    acknowledged: count,
    /** Absent where the agent knows of no cluster, or shall not share it. */
    sharing: sharingSchema.optional(),
  }),
  ack: z.object({
    type: z.literal("ack"),
    /** The revision that the numbers speak of. */
    number: count,
    proxies: count,
    acknowledged: count,
    laggards: z.array(text).max(MAX_LAGGARDS),
    rejections: z.array(rejectionSchema).max(MAX_REJECTIONS),
  }),
  summary: z.object({
    type: z.literal("summary"),
    /** Hash of the whole summary; parts of one summary share it. */
    hash: hashSchema,
    part: count,
    parts: z.int().min(1).max(4096),
    services: z.array(serviceReportSchema),
    workloads: z.array(workloadReportSchema),
    objects: z.array(ownedReportSchema),
    diagnostics: z.array(diagnosticReportSchema),
  }),
  proxies: z.object({
    type: z.literal("proxies"),
    /** What came before is forgotten. */
    reset: z.boolean(),
    upserted: z.array(proxyReportSchema),
    removed: z.array(text),
  }),
  /** The answer to a command `effect`. */
  effect: z.object({ type: z.literal("effect"), id: text, effect: effectSchema }),
  /** The answer to a command `explain`. */
  explained: z.object({ type: z.literal("explained"), id: text, answer: accessAnswerSchema }),
  /** What is in force with this agent of what the plane's frame of this name asked for; comes after the `proxies` that it is true of. */
  authority: z.object({
    type: z.literal("authority"),
    /** As the plane named it; absent before the first was followed. */
    version: hashSchema.optional(),
    /** Fingerprint of the root that it signs from; absent: it has signed nothing. */
    issuer: fingerprint.optional(),
    /** Those that everybody knows who verifies the agent itself. */
    roots: z.array(fingerprint).max(MAX_ROOTS),
    /** Names of proxies that were connected and are not back yet. */
    missing: z.array(text).max(MAX_MISSING),
    /** Of its intermediate; absent where the plane signs. */
    intermediate: z
      .object({
        serialNumber: z.string().max(64),
        subject: text,
        issuer: text,
        notBefore: z.iso.datetime(),
        notAfter: z.iso.datetime(),
      })
      .optional(),
  }),
  /** All that is in force with this agent of what the mesh federates with; after a trust bundle that has named something. */
  federations: z.object({
    type: z.literal("federations"),
    items: z.array(federationReportSchema).max(MAX_FEDERATIONS),
  }),
  ping: z.object({ type: z.literal("ping"), acknowledged: count }),
  /** What this cluster shares; after a `share` alone. */
  shared: z.object({ type: z.literal("shared"), ...sharedPart }),
  /** All that an agent's cluster shares is to come again. */
  want: z.object({ type: z.literal("want"), agent: text }),
};

const down = {
  welcome: z.object({
    type: z.literal("welcome"),
    protocol: z.int().min(1),
    features: z.array(z.string().max(64)).max(64),
    /** Milliseconds between the agent's pings. */
    heartbeat: z.int().min(100).max(600_000),
    /** Hash of the summary that the plane already holds for this agent, so that it need not come again. */
    summary: hashSchema.optional(),
  }),
  head: z.object({
    type: z.literal("head"),
    head: headSchema,
    /** The bundle's own text, where it is small: spares a round trip. */
    inline: z.string().max(MAX_INLINE_BYTES).optional(),
  }),
  pong: z.object({ type: z.literal("pong"), number: count }),
  command: z.object({
    type: z.literal("command"),
    id: text,
    /** What an agent may be asked to do; anything else is refused by the agent. */
    name: z.enum(["resync", "report-proxies", "report-summary", "effect", "explain"]),
    /** Of `effect`: the object that is asked about. */
    key: text.optional(),
    /** Of `explain`. */
    question: accessQuestionSchema.optional(),
  }),
  /** Another authority signs, or others are to be trusted: the trust bundle says who. */
  authority: z.object({ type: z.literal("authority"), version: hashSchema }),
  rotate: z.object({ type: z.literal("rotate"), key: publicKeySchema, signature: signatureSchema }),
  /** Whether another cluster shares the mesh, so that this one's services are wanted. */
  share: z.object({
    type: z.literal("share"),
    on: z.boolean(),
    /** The version that the plane has. */
    version: hashSchema.optional(),
  }),
  /** The other clusters of the mesh, all of them. */
  clusters: z.object({
    type: z.literal("clusters"),
    clusters: z
      .array(
        z.object({
          agent: text,
          name: text,
          ...sharingSchema.shape,
          connected: z.boolean(),
          /** Absent while the plane has none that is whole. */
          version: hashSchema.optional(),
        }),
      )
      .max(MAX_CLUSTERS),
    /** Agents that have been gone for their time to live: what they shared is withdrawn. */
    withdrawn: z.array(text).max(MAX_CLUSTERS),
  }),
  /** What another agent's cluster shares. */
  elsewhere: z.object({ type: z.literal("elsewhere"), agent: text, ...sharedPart }),
};

const error = z.object({
  type: z.literal("error"),
  code: z.string().regex(/^HDL\d{4}$/),
  message: z.string().max(MAX_REASON_CHARACTERS),
  number: count.optional(),
});

export const agentFrameSchema = z.discriminatedUnion("type", [
  up.hello,
  up.ack,
  up.summary,
  up.proxies,
  up.effect,
  up.explained,
  up.authority,
  up.federations,
  up.ping,
  up.shared,
  up.want,
  error,
]);
export const planeFrameSchema = z.discriminatedUnion("type", [
  down.welcome,
  down.head,
  down.pong,
  down.command,
  down.rotate,
  down.authority,
  down.share,
  down.clusters,
  down.elsewhere,
  error,
]);

/** A frame that an agent sends. */
export type AgentFrame = z.infer<typeof agentFrameSchema>;
/** A frame that the plane sends. */
export type PlaneFrame = z.infer<typeof planeFrameSchema>;

/** A frame's text. Throws `HDL7001` where it would be too long for the link. */
export function encodeFrame(frame: AgentFrame | PlaneFrame): string {
  const json = JSON.stringify(frame);
  assertFits(json);
  return json;
}

/** What an agent sent. Throws `HDL7001` for its length, `HDL7002` for anything that is no frame. */
export function decodeAgentFrame(data: string): AgentFrame {
  return decode(data, agentFrameSchema);
}

/** What the plane sent. Throws `HDL7001` for its length, `HDL7002` for anything that is no frame. */
export function decodePlaneFrame(data: string): PlaneFrame {
  return decode(data, planeFrameSchema);
}

function decode<T>(data: string, schema: z.ZodType<T>): T {
  assertFits(data);
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw new SyncError("HDL7002", "A frame that is not JSON.");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SyncError(
    "HDL7002",
    `A frame that the protocol does not have: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown"}.`,
  );
}

function assertFits(json: string): void {
  // UTF-8 is at most three bytes a UTF-16 unit: most frames need no counting.
  if (json.length * 3 <= MAX_FRAME_BYTES) return;
  const length = new TextEncoder().encode(json).length;
  if (length > MAX_FRAME_BYTES)
    throw new SyncError("HDL7001", `A frame of ${length} bytes; the limit is ${MAX_FRAME_BYTES}.`);
}
