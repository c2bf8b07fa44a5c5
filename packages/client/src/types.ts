/** The REST API's shapes, as they travel. Times are RFC 3339 in UTC; durations are milliseconds unless named otherwise. */

import type { AccessExplanation, ExtensionProvider } from "@heddle/model";

export type {
  AccessExplanation,
  AccessRule,
  AccessStep,
  AccessTerm,
  WorkloadAccessQuestion,
} from "@heddle/model";

export interface Problem {
  /** A page that explains the code. */
  type: string;
  title: string;
  status: number;
  detail: string;
  /** Stable, `HDL` and four digits. */
  code: string;
  /** What to do about it. */
  remedy?: string;
  diagnostics?: ApiDiagnostic[];
}

export interface ApiDiagnostic {
  code: string;
  level: "Error" | "Warning" | "Info";
  message: string;
  /** `Kind namespace/name` */
  origin: string;
  /** `file:line` */
  reference?: string;
  /** JSON path inside the object, `spec.http[0].route[1].weight`. */
  path?: string;
  remedy?: string;
}

export interface Page<T> {
  items: T[];
  /** Pass as `cursor` to go on; absent on the last page. */
  next?: string;
}

export interface MeshInfo {
  id: string;
  name: string;
  trustDomain: string;
  createdAt: string;
  /** Number of the newest revision; 0 before the first. */
  revision: number;
  convergence: Convergence;
  settings: MeshSettings;
}

/** What a mesh's owner has chosen; what is absent has its default. */
export interface MeshSettings {
  /** Share of requests traced, 0 to 100. */
  traceSampling?: number | undefined;
  accessLog?: boolean | undefined;
  outboundTrafficPolicy?: "ALLOW_ANY" | "REGISTRY_ONLY" | undefined;
  rootNamespace?: string | undefined;
  clusterDomain?: string | undefined;
  ingressClass?: string | undefined;
  ingressControllerMode?: "OFF" | "DEFAULT" | "STRICT" | undefined;
  ingressSelector?: string | undefined;
  ingressService?: string | undefined;
  /** Trust domains beside the mesh's own whose identities count as its own. */
  trustDomainAliases?: string[] | undefined;
  /** Whether sidecars ask for the hosts that their workloads call; AUTO: where there are many. */
  onDemand?: "AUTO" | "ALWAYS" | "NEVER" | undefined;
  /** Servers that authorization policies name to be asked. */
  extensionProviders?: readonly ExtensionProvider[] | undefined;
}

export interface NewMesh {
  name: string;
  /** `<name>.mesh.internal` unless told. */
  trustDomain?: string;
  settings?: MeshSettings;
}

/** `admin` may do all that `write` may, `write` all that `read` may; `agent` is for agents alone. */
export type TokenScope = "read" | "write" | "admin" | "agent";

export interface TokenInfo {
  id: string;
  name: string;
  scopes: TokenScope[];
  /** Id of the one mesh that it opens; absent where it opens all. */
  mesh?: string;
  /** Id of the agent whose token it is. */
  agent?: string;
  createdAt: string;
  expiresAt?: string;
  revokedAt?: string;
  /** To the minute. */
  lastUsedAt?: string;
}

/** A token with its secret, which is shown only once. */
export interface CreatedToken extends TokenInfo {
  token: string;
}

export interface NewToken {
  name: string;
  scopes: TokenScope[];
  /** Name or id. */
  mesh?: string;
  expiresInSeconds?: number;
}

export interface WhoAmI {
  tenant: { id: string; name: string };
  token: { id: string; name: string };
  scopes: TokenScope[];
  /** Ids; absent where every mesh is open. */
  meshes?: string[];
}

/** How far the newest revision has come. */
export interface Convergence {
  revision: number;
  proxies: number;
  acknowledged: number;
  /** Milliseconds from commit to the last acknowledgement; absent until all have acknowledged. */
  durationMs?: number;
  state: "applied" | "pending" | "stale" | "no-agents";
}

/** A configuration object as the API shows it. */
export interface StoredObject {
  key: string;
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: unknown;
  /** Who may change it: `hosted` through the plane, `cluster:<agent>` by kubectl. */
  owner: string;
  /** The revision that last changed it, which is also its ETag. */
  revision: number;
  hash: string;
  diagnostics: ApiDiagnostic[];
  /** Of the Gateway API's kinds: conditions as they stand under `status` in Kubernetes. */
  status?: unknown;
}

export interface ApplyRequest {
  /** YAML or JSON documents, as in files. */
  files?: { name: string; content: string }[] | undefined;
  /** Objects already parsed. */
  objects?: unknown[] | undefined;
  /** The namespace of objects that name none; `default` without it. */
  namespace?: string | undefined;
  /** Keys `group/Kind/namespace/name` to delete in the same revision. */
  delete?: string[] | undefined;
  message?: string | undefined;
  dryRun?: boolean | undefined;
  /** Dangling references refuse the write too. */
  strict?: boolean | undefined;
  /** Conflicts fall back to Istio's order and stay as warnings. */
  force?: boolean | undefined;
  /** The write is refused when the newest revision is another one. */
  ifRevision?: number | undefined;
}

export interface ApplyResult {
  /** The revision that holds the change; the unchanged newest one where nothing changed or on a dry run. */
  revision: number;
  dryRun: boolean;
  changes: ObjectChangeInfo[];
  diagnostics: ApiDiagnostic[];
}

export interface ObjectChangeInfo {
  key: string;
  action: "created" | "configured" | "unchanged" | "deleted";
  /** The document as YAML before and after, in the answer to a dry run. */
  before?: string | null;
  after?: string | null;
}

export interface RevisionInfo {
  number: number;
  parent: number;
  createdAt: string;
  author: string;
  message: string;
  /** SHA-256 over the sorted (key, object hash) pairs, hexadecimal. */
  stateRoot: string;
  /** Hash of the signed header, which the next revision names as its parent's. */
  hash: string;
  signature: string;
  changes: ObjectChangeInfo[];
  /** Set where this revision restored an earlier one. */
  rollbackOf?: number;
  convergence: Convergence;
}

export interface RevisionDiff {
  from: number;
  to: number;
  objects: {
    key: string;
    action: ObjectChangeInfo["action"];
    before: string | null;
    after: string | null;
  }[];
}

export interface AgentInfo {
  id: string;
  name: string;
  version: string;
  connected: boolean;
  since: string;
  acknowledged: number;
  /** What it calls its cluster; absent where it shares none. */
  cluster?: string;
  /** Clusters of the mesh that services are shared with. */
  sharesWith: string[];
  proxies: ProxyInfo[];
}

export interface ProxyInfo {
  id: string;
  /** `pod.namespace` */
  name: string;
  type: "sidecar" | "router";
  agent: string;
  connectedAt: string;
  acknowledged: number;
  state: "synced" | "pending" | "stale" | "rejected";
  /** Per resource type (`CDS`, `EDS`, `LDS`, `RDS`, `SDS`): version acknowledged, and the reason where refused. */
  types: Record<
    string,
    {
      version: string;
      acknowledgedAt?: string;
      resources: number;
      error?: string;
      /** Key of the object to blame, or the resource's name where that is not known. */
      culprit?: string;
      refusals?: RefusalInfo[];
    }
  >;
  /** The certificates that it has acknowledged; absent where its agent does not say. */
  trust?: ProxyTrust;
}

export interface ProxyTrust {
  /** Fingerprints of the roots that it trusts. */
  roots?: string[];
  leaf?: {
    spiffeId: string;
    serialNumber: string;
    /** Fingerprint of the root that it leads to. */
    root: string;
    /** Who has signed it. */
    issuer: string;
    notBefore: string;
    notAfter: string;
  };
  /** Something newer is on its way to it. */
  pending: boolean;
}

/** A resource that a proxy does not take, and the objects that are to blame. */
export interface RefusalInfo {
  resource: string;
  /** In Envoy's words. */
  reason: string;
  /** Keys; none where it is not known. */
  objects: string[];
  /** The objects are held at what they were before, so that everything else goes on. */
  held: boolean;
}

/** What an object has become at the proxies of the mesh. */
export interface ObjectEffect {
  key: string;
  agents: AgentEffect[];
  /** Names of agents that were asked and did not answer in time. */
  silent: string[];
  /** What agents have found out about the object. */
  diagnostics: (ApiDiagnostic & { agent: string })[];
}

/** `POST /v1/meshes/{mesh}/explain` */
export interface AccessAnswers {
  agents: AccessAnswer[];
  /** Names of agents that were asked and did not answer in time. */
  silent: string[];
}

export interface AccessAnswer {
  agent: string;
  /** The proxy that was looked at, `pod.namespace`; absent where the agent has none of the workload. */
  proxy?: string;
  explanation?: AccessExplanation;
  /** Where objects were read, `file:line`, by their keys. */
  sources: Record<string, string>;
  /** Workloads of the namespace that have a proxy there, where this one has none. */
  known: string[];
}

export interface AgentEffect {
  agent: string;
  /** Who owns the object there; absent where there is none. */
  owner?: "hosted" | "cluster";
  /** Where it was read, `file:line`. */
  source?: string;
  /** The object itself where the cluster owns it. */
  document?: Record<string, unknown>;
  /** What it was before is in force, because proxies refuse what it is. */
  held: boolean;
  /** Number of proxies that have something of it. */
  proxies: number;
  /** Proxies that have the same of it, the largest groups first; lists are cut, numbers are not. */
  groups: {
    resources: { type: string; name: string }[];
    allResources: number;
    proxies: { name: string; state: "accepted" | "waiting" | "refused" }[];
    allProxies: number;
  }[];
  refusals: { proxy: string; type: string; resource: string; reason: string }[];
}

/** A service as the mesh knows it: the registry summary and golden signals over the asked range. */
export interface ServiceSummary {
  host: string;
  name: string;
  namespace: string;
  ports: { name: string; port: number; protocol: string }[];
  workloads: WorkloadSummary[];
  golden: Golden;
  /** Requests per second in equal steps over the range, for a sparkline. */
  rateSeries: number[];
  errorSeries: number[];
  p95Series: number[];
}

export interface WorkloadSummary {
  name: string;
  namespace: string;
  app: string;
  version: string;
  serviceAccount: string;
  pods: number;
  golden: Golden;
}

/** Latency, traffic and errors over one range. Rates are per second, latencies milliseconds, errorRate 0 to 1. */
export interface Golden {
  requests: number;
  rate: number;
  errorRate: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  bytesPerSecond: number;
}

export interface Graph {
  from: string;
  to: string;
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface GraphNode {
  id: string;
  kind: "service" | "workload" | "gateway" | "external" | "unknown";
  namespace: string;
  name: string;
  app: string;
  version: string;
  golden: Golden;
}

export interface GraphEdge {
  source: string;
  target: string;
  protocol: "http" | "grpc" | "tcp";
  golden: Golden;
  /** Share of requests over mutual TLS, 0 to 1. */
  mtls: number;
  /** Requests by response flag. */
  flags: Record<string, number>;
}

export interface TraceSummary {
  traceId: string;
  rootService: string;
  rootOperation: string;
  start: string;
  durationMs: number;
  spans: number;
  errors: number;
  services: { name: string; spans: number }[];
}

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  service: string;
  operation: string;
  kind: "internal" | "server" | "client" | "producer" | "consumer";
  start: string;
  /** Nanoseconds since the trace's first span. */
  offsetNs: number;
  durationNs: number;
  status: "unset" | "ok" | "error";
  attributes: Record<string, string | number | boolean>;
  resource: Record<string, string | number | boolean>;
  events: {
    name: string;
    offsetNs: number;
    attributes: Record<string, string | number | boolean>;
  }[];
}

export interface LogLine {
  time: string;
  severity: string;
  body: string;
  source: { workload: string; namespace: string; service: string };
  destination: { workload: string; namespace: string; service: string };
  reporter: "source" | "destination" | "";
  method: string;
  path: string;
  status: number;
  flags: string;
  durationMs: number;
  traceId: string;
  attributes: Record<string, string | number | boolean>;
}

/** A one-time token with which an agent enrolls; the secret is shown only once. */
export interface CreatedJoinToken {
  id: string;
  name: string;
  token: string;
  expiresAt: string;
}

export interface EnrollRequest {
  joinToken: string;
  name: string;
  publicKey?: string;
}

/** What an agent gets for its join token. `signingKey` is the public key that it pins. */
export interface Enrollment {
  agentId: string;
  token: string;
  mesh: string;
  signingKey: unknown;
  trustDomain: string;
}

/** Certificate chains in PEM, in the order of the requests. */
/** The roots that a mesh's workloads trust. */
export interface TrustBundle {
  trustDomain: string;
  /** PEM, the newest root first. */
  trustBundle: string;
  /** Fingerprint of the root that certificates are issued from now: SHA-256 of its DER, hexadecimal. */
  issuer: string;
  /** Names what is in force, and is another one when that changes. */
  version: string;
  /** SPIFFE ids that nobody is issued certificates for any more. */
  revoked: string[];
  /** Names the last revocation whose root nobody trusts any more: connections from before it are to end. */
  revocation?: string;
  /** Whom workloads trust beside it; absent from planes that know of none. */
  federations?: FederatedTrust[];
}

/** A SPIFFE bundle endpoint of another trust domain. */
export type BundleEndpoint =
  /** Its server has a certificate that everybody on the Web takes. */
  | { kind: "endpoint"; profile: "https_web"; url: string }
  /** Its server has a certificate of the trust domain, for this SPIFFE id; `bootstrap`: PEM of the roots that it is known by at first. */
  | {
      kind: "endpoint";
      profile: "https_spiffe";
      url: string;
      endpointSpiffeId: string;
      bootstrap: string;
    };

/** Roots in PEM, where somebody has given them. */
export interface GivenBundle {
  kind: "bundle";
  bundle: string;
}

/** Another trust domain, whose identities its own roots alone vouch for. */
export interface FederatedTrust {
  trustDomain: string;
  source: BundleEndpoint | GivenBundle;
}

/** Where the trust bundle of another trust domain is to come from. `mesh`: the id of one of the same plane, which has to agree. */
export type NewFederation =
  | { kind: "mesh"; mesh: string }
  | BundleEndpoint
  /** PEM, or a SPIFFE document. */
  | GivenBundle;

export interface FederationInfo {
  trustDomain: string;
  source:
    | { kind: "mesh"; mesh: string }
    | { kind: "bundle" }
    | {
        kind: "endpoint";
        profile: "https_web" | "https_spiffe";
        url: string;
        endpointSpiffeId?: string;
      };
  /**
   * `waiting`: the other mesh has not agreed or has no root, or no agent has had an answer yet; `failing`: an agent cannot follow the
   * endpoint, and goes on with what it had, or all roots have expired.
   */
  state: "inForce" | "waiting" | "failing";
  /** Of the newest bundle that is known; absent where nobody counts. */
  sequence?: number;
  roots: {
    fingerprint: string;
    subject: string;
    serialNumber: string;
    notBefore: string;
    notAfter: string;
    level: CertificateInfo["level"];
  }[];
  /** What agents say that follow it; those that are away are not among them. */
  agents: {
    agent: string;
    sequence?: number | undefined;
    fetchedAt?: string | undefined;
    error?: string | undefined;
  }[];
  createdAt: string;
}

export interface FederationList {
  /** The mesh's own. */
  trustDomain: string;
  /** The mesh's id, by which another one of the plane names it. */
  mesh: string;
  /** Path of the mesh's own bundle endpoint, at the plane's address. */
  endpoint: string;
  /** By trust domain. */
  items: FederationInfo[];
}

/** What nobody is to take any more: an agent with all that it has signed, or a workload. */
export interface NewRevocation {
  kind: "agent" | "workload";
  /** An agent's name, or a workload's SPIFFE id. */
  subject: string;
  reason?: string | undefined;
}

export interface RevocationInfo {
  id: string;
  kind: "agent" | "workload";
  subject: string;
  reason: string;
  createdAt: string;
  /** When the mesh had left the root behind that what was signed before leads to. */
  effectiveAt?: string;
  /** When a workload was let in again. */
  liftedAt?: string;
}

/** A certificate authority of a mesh: a root of the plane's own, or an intermediate of the plane's that the tenant's root has signed. */
export interface AuthorityInfo {
  id: string;
  kind: "root" | "intermediate";
  /**
   * `issuing`: signs; `trusted`: its root is trusted beside that; `leaving`: withdrawn, not yet everywhere; `retired`: over;
   * `prepared`: lies ready for when somebody is revoked.
   */
  state: "issuing" | "trusted" | "leaving" | "retired" | "prepared";
  subject: string;
  serialNumber: string;
  /** When the first certificate of its chain ends. */
  notBefore: string;
  notAfter: string;
  root: { subject: string; fingerprint: string; notAfter: string };
  createdAt: string;
}

export type RotationStep = "trusting" | "reissuing" | "withdrawing";

export interface RotationInfo {
  id: string;
  /** Ids of the authorities that it leads from and to. */
  from: string;
  to: string;
  step: RotationStep;
  /** `aborting`: it leads back; `aborted` and `completed`: it is over. */
  state: "running" | "aborting" | "completed" | "aborted";
  /** Goes on by itself when everybody has followed a step. */
  automatic: boolean;
  /** Somebody was revoked: nobody is waited for longer than a moment. */
  urgent: boolean;
  startedAt: string;
  steppedAt: string;
  endedAt?: string;
  /** Who has not followed the step yet, 200 at most; none: it is finished, or about to be. */
  holders: RotationHolder[];
  allHolders: number;
  /** Who was not waited for, by somebody's decision. */
  forced: RotationHolder[];
}

export interface RotationHolder {
  agent: string;
  /** Absent where it is the agent itself. */
  proxy?: string;
  reason: string;
}

export interface MeshAuthorities {
  trustDomain: string;
  /** The newest first. */
  authorities: AuthorityInfo[];
  /** A request that waits for the tenant's signature. */
  request?: AuthorityRequest;
  /** The last one, whether or not it is over. */
  rotation?: RotationInfo;
}

export interface AuthorityRequest {
  /** PEM. */
  request: string;
  createdAt: string;
}

/** Private keys of a mesh that were sealed anew. */
export interface RewrappedKeys {
  keys: number;
  /** Where the envelope key is that they are sealed under, for people. */
  envelope: string;
}

/** A certificate that is alive in a mesh. */
export interface CertificateInfo {
  /** `root` and `intermediate`: the mesh's authorities; `agent`: what an agent signs with; `leaf`: a workload's; `federated`: a root of another trust domain. */
  kind: "root" | "intermediate" | "agent" | "leaf" | "federated";
  subject: string;
  serialNumber: string;
  issuer: string;
  notBefore: string;
  notAfter: string;
  /** `warning`: its renewal is late, or has to be planned; `critical`: act now. */
  level: "ok" | "warning" | "critical" | "expired";
  /** The agent that has it, of an agent's or a leaf. */
  agent?: string;
  /** Names of the proxies that have it, of a leaf. */
  proxies?: string[];
}

export interface CertificateList extends Page<CertificateInfo> {
  /** How many there are of each level that is not `ok`. */
  alerts: { warning: number; critical: number; expired: number };
  /** Agents that are away, or of a version that does not say what its proxies have: their certificates are not among these. */
  unknown: string[];
}

export interface IssuedCertificates {
  chains: string[];
  trustBundle: string;
  expiresAt: string;
}
