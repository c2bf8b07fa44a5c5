/** Objects that use the fields of the table of what is not in effect, one for each of its rows. */
import { kinds, type PlannedField } from "@heddle/model";

type Fields = Readonly<Record<string, unknown>>;

/** A spec of each kind that is valid and in effect. */
const SPECS: Readonly<Record<string, Fields>> = {
  VirtualService: {
    hosts: ["shop"],
    gateways: ["edge"],
    http: [{ match: [{ port: 80 }], route: [{ destination: { host: "shop" } }] }],
  },
  EnvoyFilter: {
    configPatches: [
      {
        applyTo: "NETWORK_FILTER",
        match: { listener: {} },
        patch: { operation: "MERGE", value: {} },
      },
    ],
  },
  Sidecar: {
    ingress: [{ port: { number: 80, protocol: "HTTP", name: "http" } }],
  },
  ProxyConfig: {},
  ServiceEntry: {
    hosts: ["machines.example.com"],
    ports: [{ number: 80, name: "http", protocol: "HTTP" }],
    resolution: "STATIC",
    endpoints: [{ address: "10.0.0.1" }],
  },
  WorkloadEntry: { address: "10.0.0.1" },
  WorkloadGroup: { template: { serviceAccount: "machine" } },
  WasmPlugin: { url: "https://modules.example.com/one.wasm" },
  RequestAuthentication: { jwtRules: [{ issuer: "https://issuer.example.com" }] },
  Telemetry: {
    tracing: [{ providers: [{ name: "otel" }] }],
    metrics: [{ providers: [{ name: "prometheus" }], overrides: [{}] }],
    accessLogging: [{ providers: [{ name: "otel" }] }],
  },
  AuthorizationPolicy: { rules: [{}] },
  HTTPRoute: {},
  GRPCRoute: {},
  TLSRoute: {
    hostnames: ["a.example.com"],
    rules: [{ backendRefs: [{ name: "shop", port: 80 }] }],
  },
  TCPRoute: { rules: [{ backendRefs: [{ name: "shop", port: 80 }] }] },
  UDPRoute: { rules: [{ backendRefs: [{ name: "shop", port: 80 }] }] },
  Gateway: {
    gatewayClassName: "istio",
    listeners: [
      {
        name: "https",
        port: 443,
        protocol: "HTTPS",
        tls: { certificateRefs: [{ name: "edge" }] },
      },
    ],
  },
  ListenerSet: {
    parentRef: { name: "edge" },
    listeners: [
      {
        name: "https",
        port: 443,
        protocol: "HTTPS",
        tls: { certificateRefs: [{ name: "edge" }] },
      },
    ],
  },
  BackendTLSPolicy: {
    targetRefs: [{ group: "", kind: "Service", name: "shop" }],
    validation: { hostname: "shop.example.com", wellKnownCACertificates: "System" },
  },
};

/** Of rows whose field needs more beside it. */
const SPECS_OF_ROWS: Readonly<Record<string, Fields>> = {
  "WorkloadGroup probe.tcpSocket.host": {
    template: { serviceAccount: "machine" },
    probe: { tcpSocket: { port: 80 } },
  },
  "VirtualService http[].redirect.redirectCode": {
    hosts: ["shop"],
    http: [{ redirect: { uri: "/new" } }],
  },
  "EnvoyFilter configPatches[].applyTo": {
    configPatches: [{ patch: { operation: "MERGE", value: {} } }],
  },
  "EnvoyFilter configPatches[].match.context": waypointPatch({ waypoint: {} }),
  "EnvoyFilter configPatches[].match.waypoint": waypointPatch({ context: "WAYPOINT" }),
};

function waypointPatch(match: Fields): Fields {
  return {
    configPatches: [{ applyTo: "HTTP_FILTER", match, patch: { operation: "MERGE", value: {} } }],
  };
}

const GATEWAY_API_KINDS = new Set([
  "HTTPRoute",
  "GRPCRoute",
  "TLSRoute",
  "TCPRoute",
  "UDPRoute",
  "Gateway",
  "ListenerSet",
  "XListenerSet",
  "BackendTLSPolicy",
]);

const TARGET = { group: "", kind: "Service", name: "shop" };
/** For each row of the table, by kind and path, values that it is about. */
export const samples: Readonly<Record<string, readonly unknown[]>> = {
  ...Object.fromEntries(
    ["Gateway", "ListenerSet", "XListenerSet"].map((kind) => [
      `${kind} listeners[].tls.options`,
      [{ "example.com/option": "on" }],
    ]),
  ),
  "BackendTLSPolicy options": [{ "example.com/option": "on" }],
  "VirtualService http[].redirect.redirectCode": [304],
  "EnvoyFilter configPatches[].applyTo": ["BOOTSTRAP"],
  "EnvoyFilter configPatches[].match.context": ["WAYPOINT"],
  "EnvoyFilter configPatches[].match.waypoint": [{ portNumber: 80 }],
  "EnvoyFilter configPatches[].match.listener.portName": ["http"],
  "EnvoyFilter configPatches[].patch.filterClass": ["AUTHN"],
  "EnvoyFilter targetRefs[].kind": ["Service"],
  "WasmPlugin verificationKey": ["key"],
  "WasmPlugin targetRef.kind": ["Service"],
  "WasmPlugin targetRefs[].kind": ["Service"],
  "RequestAuthentication targetRef.kind": ["Service"],
  "RequestAuthentication targetRefs[].kind": ["Service"],
  "Telemetry tracing[].providers[].name": ["zipkin"],
  "Telemetry metrics[].providers[].name": ["stackdriver"],
  "Telemetry accessLogging[].providers[].name": ["elsewhere"],
  "Telemetry metrics[].overrides[].match.customMetric": ["my_metric"],
  "Telemetry targetRef.kind": ["Service"],
  "Telemetry targetRefs[].kind": ["Service"],
  "AuthorizationPolicy targetRef.kind": ["Service"],
  "AuthorizationPolicy targetRefs[].kind": ["Service"],
  "Sidecar inboundConnectionPool.http.h2UpgradePolicy": ["UPGRADE"],
  "Sidecar ingress[].connectionPool.http.h2UpgradePolicy": ["UPGRADE"],
  "ProxyConfig concurrency": [2],
  "ProxyConfig environmentVariables": [{ ISTIO_META_TIER: "gold" }, { OTHER: "x" }],
  "WorkloadGroup metadata.annotations": [{ "example.com/owner": "me" }],
  "WorkloadGroup template.address": ["10.0.0.1"],
  "WorkloadGroup probe.exec": [{ command: ["true"] }],
  "WorkloadGroup probe.tcpSocket.host": ["db.example.com"],
};

export interface Sample {
  readonly apiVersion: string;
  readonly value: unknown;
  /** Where the field stands in the object. */
  readonly at: string;
}

/** Throws where there is none. */
export function sampleOf({ kind, path, when }: PlannedField): Sample {
  const values = samples[`${kind} ${path}`] ?? [];
  const value = values.find((each) => !when || when(each));
  const spec =
    SPECS_OF_ROWS[`${kind} ${path}`] ?? SPECS[kind === "XListenerSet" ? "ListenerSet" : kind];
  const group = GATEWAY_API_KINDS.has(kind) ? /^gateway\.networking/ : /istio/;
  const known = kinds.find(
    (each) => each.kind === kind && (group.test(each.group) || kind[0] === "X"),
  );
  if (value === undefined || !spec || !known) throw new Error(`no sample of ${kind} ${path}`);
  const steps = path.split(".");
  return {
    apiVersion: `${known.group}/${known.versions[0] ?? ""}`,
    value: withValue(spec, steps, value),
    at: `spec.${path.replaceAll("[]", "[0]")}`,
  };
}

/** A copy with the value at the end of the steps; the first item of each list that they lead through. */
function withValue(spec: unknown, [step, ...rest]: readonly string[], value: unknown): unknown {
  if (step === undefined) return value;
  const fields = (spec ?? {}) as Fields;
  const name = step.replace("[]", "");
  const inner = fields[name];
  // What stands beside a target's kind is needed for it to be one.
  const start = name.startsWith("targetRef") ? TARGET : {};
  const next = step.endsWith("[]")
    ? [withValue((inner as unknown[] | undefined)?.[0] ?? start, rest, value)]
    : withValue(inner ?? start, rest, value);
  return { ...fields, [name]: next };
}
