/**
 * Listeners of a Gateway, of a ListenerSet and of an XListenerSet: whose routes they take, whose certificates they show, and
 * what they belong to, by requests to a real Envoy. All three have the same fields, so each case stands there for all.
 */
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import type { GatewayApi, MeshObject } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { certificateSecret, createAuthority, type Leaf } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, object, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.96.0.1";
const BACKEND = "127.96.0.2";
const PORT = 8080;
const OTHER_PORT = 8081;
const TLS_PORT = 8443;
const BYTES_PORT = 9443;
const GROUP = "gateway.networking.k8s.io";

type Owner = "Gateway" | "ListenerSet" | "XListenerSet";
const OWNERS: readonly Owner[] = ["Gateway", "ListenerSet", "XListenerSet"];
const SETS = ["ListenerSet", "XListenerSet"] as const;
const groupOf = (kind: Owner) => (kind === "XListenerSet" ? "gateway.networking.x-k8s.io" : GROUP);
const versionOf = (kind: Owner) =>
  kind === "XListenerSet" ? "gateway.networking.x-k8s.io/v1alpha1" : `${GROUP}/v1`;
/** How rows call a kind. */
const rowKind = (kind: Owner) => (kind === "Gateway" ? `${GROUP}/Gateway` : kind);

/** Namespaces besides the Gateway's own, by their labels. */
const NAMESPACES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gold: { tier: "gold", team: "one" },
  silver: { tier: "silver" },
  plain: {},
};
const EVERYBODY = ["default", ...Object.keys(NAMESPACES)];

interface Case {
  readonly namespaces: GatewayApi.RouteNamespaces;
  /** Namespaces that are let in. */
  readonly lets: readonly string[];
}
const tier = (operator: string, ...values: string[]): GatewayApi.RouteNamespaces => ({
  from: "Selector",
  selector: { matchExpressions: [{ key: "tier", operator, ...(values.length ? { values } : {}) }] },
});
const SELECTING: Readonly<Record<string, Case>> = {
  all: { namespaces: { from: "All" }, lets: EVERYBODY },
  same: { namespaces: { from: "Same" }, lets: ["default"] },
  labels: {
    namespaces: { from: "Selector", selector: { matchLabels: { tier: "gold" } } },
    lets: ["gold"],
  },
  in: { namespaces: tier("In", "gold"), lets: ["gold"] },
  "in-two": { namespaces: tier("In", "gold", "silver"), lets: ["gold", "silver"] },
  "not-in": { namespaces: tier("NotIn", "gold"), lets: ["default", "silver", "plain"] },
  exists: { namespaces: tier("Exists"), lets: ["gold", "silver"] },
  "exists-not": { namespaces: tier("DoesNotExist"), lets: ["default", "plain"] },
  "other-key": {
    namespaces: {
      from: "Selector",
      selector: { matchExpressions: [{ key: "team", operator: "Exists" }] },
    },
    lets: ["gold"],
  },
};
const KINDS: Readonly<Record<string, readonly GatewayApi.RouteGroupKind[]>> = {
  "kind-http": [{ group: GROUP, kind: "HTTPRoute" }],
  "kind-grpc": [{ kind: "GRPCRoute" }],
  "kind-of-others": [{ group: "example.com", kind: "HTTPRoute" }],
};
const CERTIFICATES: Readonly<Record<string, GatewayApi.SecretObjectReference>> = {
  a: { group: "", kind: "Secret", name: "a" },
  b: { name: "b" },
  "wrong-group": { group: "example.com", name: "a" },
  "wrong-kind": { kind: "ConfigMap", name: "a" },
  granted: { namespace: "vault", name: "granted" },
  "not-granted": { namespace: "vault", name: "hidden" },
};

const slug = (kind: Owner) => kind.toLowerCase();

/** The listeners of every case; names and hosts tell whose they are. */
function listenersOf(kind: Owner): readonly GatewayApi.Listener[] {
  const host = (name: string) => `${name}.${slug(kind)}.test`;
  const own = slug(kind)[0];
  return [
    ...Object.entries(SELECTING).map(([name, { namespaces }]) => ({
      name,
      port: PORT,
      protocol: "HTTP",
      hostname: host(name),
      allowedRoutes: { namespaces },
    })),
    ...Object.entries(KINDS).map(([name, kinds]) => ({
      name,
      port: PORT,
      protocol: "HTTP",
      hostname: host(name),
      allowedRoutes: { kinds },
    })),
    { name: "named", port: OTHER_PORT, protocol: "HTTP", hostname: host("named") },
    { name: "unnamed", port: OTHER_PORT, protocol: "HTTP", hostname: host("unnamed") },
    ...Object.entries(CERTIFICATES).map(([name, reference]) => ({
      name: `tls-${name}`,
      port: TLS_PORT,
      protocol: "HTTPS",
      hostname: `${name}.${own}.tls`,
      tls: { certificateRefs: [reference] },
    })),
    {
      name: "off",
      port: BYTES_PORT,
      protocol: "TLS",
      hostname: `off.${own}.tls`,
      tls: { mode: "Terminate" as const, certificateRefs: [{ name: "a" }] },
    },
    {
      name: "through",
      port: BYTES_PORT,
      protocol: "TLS",
      hostname: `through.${own}.tls`,
      tls: { mode: "Passthrough" as const },
    },
  ];
}

/** Answers with its namespace on a path of the same name, or on another. */
const answering = (
  namespace: string,
  parentRefs: readonly GatewayApi.ParentReference[],
  name = "routes",
  path = namespace,
): MeshObject =>
  gatewayApi<GatewayApi.HTTPRoute>(
    "HTTPRoute",
    name,
    {
      parentRefs,
      rules: [
        {
          matches: [{ path: { value: `/${path}` } }],
          filters: [
            { type: "RequestRedirect", requestRedirect: { hostname: `${namespace}.answer` } },
          ],
        },
      ],
    },
    namespace,
  );
const parent = (kind: Owner): GatewayApi.ParentReference => ({
  group: groupOf(kind),
  kind,
  name: kind === "Gateway" ? "edge" : "more",
  namespace: "default",
});

/** A set of one listener, and a route of its namespace behind it. */
const setOf = (
  kind: (typeof SETS)[number],
  name: string,
  parentRef: GatewayApi.ParentGatewayReference,
  hostname: string,
  namespace = "default",
): readonly MeshObject[] => [
  object<GatewayApi.ListenerSet>(
    versionOf(kind),
    kind,
    name,
    { parentRef, listeners: [{ name: "one", port: PORT, protocol: "HTTP", hostname }] },
    namespace,
  ),
  answering(namespace, [{ group: groupOf(kind), kind, name }], `${slug(kind)}-${name}`),
];
const PARENTS: Readonly<Record<string, GatewayApi.ParentGatewayReference>> = {
  whole: { group: GROUP, kind: "Gateway", name: "edge" },
  "wrong-group": { group: "example.com", name: "edge" },
  "wrong-kind": { kind: "Service", name: "edge" },
  "wrong-name": { name: "nowhere" },
};

const grant = (kind: Owner) => ({ group: groupOf(kind), kind, namespace: "default" });

const authority = await createAuthority();
const LEAVES = Object.fromEntries(
  await Promise.all(
    ["a", "b", "granted", "hidden"].map(async (name) => [name, await authority.issue(name)]),
  ),
) as Readonly<Record<"a" | "b" | "granted" | "hidden", Leaf>>;
const secret = (name: keyof typeof LEAVES, namespace: string) =>
  object(
    "v1",
    "Secret",
    name,
    { data: { "tls.crt": btoa(LEAVES[name].chain), "tls.key": btoa(LEAVES[name].key) } },
    namespace,
  );

/** Gateways that differ in whose ListenerSets they let in; the proxy serves them by the Service that they name. */
const LETTING: Readonly<Record<string, { namespaces?: object; lets: readonly string[] }>> = {
  ...SELECTING,
  none: { namespaces: { from: "None" }, lets: [] },
};
const SERVED_HERE = [{ type: "Hostname", value: "edge.default.svc.cluster.local" }];
const gatewayAt = (name: string, rest: Partial<GatewayApi.Gateway>) =>
  gatewayApi<GatewayApi.Gateway>("Gateway", name, {
    gatewayClassName: "heddle",
    addresses: SERVED_HERE,
    listeners: [{ name: "own", port: PORT, protocol: "HTTP", hostname: `${name}.at.test` }],
    ...rest,
  });
const ADDRESSES = {
  here: SERVED_HERE,
  elsewhere: [{ type: "Hostname", value: "backend.default.svc.cluster.local" }],
  "another-type": [{ type: "NamedAddress", value: "edge.default.svc.cluster.local" }],
};

const OBJECTS: readonly MeshObject[] = [
  ...Object.entries(NAMESPACES).map(([name, labels]) =>
    object("v1", "Namespace", name, {}, "", { labels }),
  ),
  ...service("edge", [{ name: "http", port: PORT }], [EDGE]),
  ...service("backend", [{ name: "tcp", port: 7000 }], [BACKEND]),
  ...service("secure", [{ name: "tls", port: 7443 }], [BACKEND]),
  secret("a", "default"),
  secret("b", "default"),
  secret("granted", "vault"),
  secret("hidden", "vault"),
  gatewayApi<GatewayApi.ReferenceGrant>(
    "ReferenceGrant",
    "certificates",
    { from: OWNERS.map(grant), to: [{ group: "", kind: "Secret", name: "granted" }] },
    "vault",
  ),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: listenersOf("Gateway"),
    allowedListeners: { namespaces: { from: "All" } },
  }),
  ...SETS.map((kind) =>
    object<GatewayApi.ListenerSet>(versionOf(kind), kind, "more", {
      parentRef: { name: "edge" },
      listeners: listenersOf(kind),
    }),
  ),
  ...EVERYBODY.map((namespace) => answering(namespace, OWNERS.map(parent))),
  answering(
    "default",
    OWNERS.map((kind) => ({ ...parent(kind), sectionName: "named" })),
    "by-name",
    "picked",
  ),
  ...OWNERS.flatMap((kind) =>
    [
      { name: "off", backend: "backend", port: 7000 },
      { name: "through", backend: "secure", port: 7443 },
    ].map(({ name, backend, port }) =>
      gatewayApi<GatewayApi.TLSRoute>("TLSRoute", `${slug(kind)}-${name}`, {
        parentRefs: [{ ...parent(kind), sectionName: name }],
        hostnames: [`${name}.${slug(kind)[0]}.tls`],
        rules: [{ backendRefs: [{ name: backend, port }] }],
      }),
    ),
  ),
  ...SETS.flatMap((kind) => [
    ...Object.entries(PARENTS).flatMap(([name, parentRef]) =>
      setOf(kind, name, parentRef, `${name}.${slug(kind)}.parents.test`),
    ),
    ...setOf(
      kind,
      "from-afar",
      { name: "edge", namespace: "default" },
      `from-afar.${slug(kind)}.parents.test`,
      "gold",
    ),
    ...setOf(kind, "at-home", { name: "edge" }, `at-home.${slug(kind)}.parents.test`, "gold"),
  ]),
  ...Object.entries(LETTING).flatMap(([name, { namespaces }]) => [
    gatewayAt(`lets-${name}`, {
      allowedListeners: { namespaces: namespaces as GatewayApi.ListenerNamespaces },
    }),
    ...EVERYBODY.flatMap((namespace) =>
      setOf(
        "ListenerSet",
        `lets-${name}`,
        { name: `lets-${name}`, namespace: "default" },
        `${namespace}.${name}.lets.test`,
        namespace,
      ),
    ),
  ]),
  gatewayApi<GatewayApi.GatewayClass>(
    "GatewayClass",
    "with-parameters",
    {
      controllerName: "heddle.dev/gateway-controller",
      parametersRef: { group: "", kind: "ConfigMap", namespace: "default", name: "parameters" },
    },
    "",
  ),
  gatewayAt("parametrised", { gatewayClassName: "with-parameters" }),
  answering("default", [{ name: "parametrised" }], "at-parametrised"),
  ...Object.entries(ADDRESSES).flatMap(([name, addresses]) => [
    gatewayAt(name, { addresses }),
    answering("default", [{ name }], `at-${name}`),
  ]),
];

describe.skipIf(!envoyBinary)("listeners", () => {
  startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
        secrets: async () => [
          certificateSecret("kubernetes://default/a", LEAVES.a),
          certificateSecret("kubernetes://default/b", LEAVES.b),
          certificateSecret("kubernetes://vault/granted", LEAVES.granted),
          certificateSecret("kubernetes://vault/hidden", LEAVES.hidden),
        ],
      },
    },
    objects: OBJECTS,
  });
  const greeters: Greeter[] = [];
  beforeAll(async () => {
    greeters.push(await startGreeter("in the clear", BACKEND, 7000));
    greeters.push(await startGreeter("in TLS", BACKEND, 7443, LEAVES.b));
  });
  afterAll(() => Promise.all(greeters.map((each) => each.stop())));

  const answered = async (host: string, namespace: string, port = PORT, path = namespace) => {
    const { location = "" } = (await ask(EDGE, port, host, `/${path}`)).headers;
    return location.startsWith(`http://${namespace}.answer`);
  };
  const letIn = async (hostFor: (namespace: string) => string) => {
    const found: string[] = [];
    for (const namespace of EVERYBODY)
      if (await answered(hostFor(namespace), namespace)) found.push(namespace);
    return found;
  };
  /** The name in the certificate that is shown, or "refused". */
  const shown = (servername: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(
        { host: EDGE, port: TLS_PORT, servername, rejectUnauthorized: false },
        () => {
          const { raw } = socket.getPeerCertificate();
          resolve(new X509Certificate(raw).subjectAltName?.replace("DNS:", "") ?? "");
          socket.destroy();
        },
      );
      socket.on("error", () => resolve("refused"));
      socket.on("close", () => resolve("refused"));
    });

  const namespaces = "listeners[].allowedRoutes.namespaces";
  for (const kind of OWNERS) {
    const host = (name: string) => `${name}.${slug(kind)}.test`;
    const own = slug(kind)[0];
    proves(
      rowKind(kind),
      [
        `${namespaces}.from={All,Selector,Same}`,
        `${namespaces}.selector.matchLabels`,
        `${namespaces}.selector.matchExpressions[].{key,values}`,
        `${namespaces}.selector.matchExpressions[].operator={In,NotIn,Exists,DoesNotExist}`,
        "listeners[].hostname",
      ],
      `of a ${kind} take routes of the namespaces that they let in`,
      async () => {
        for (const [name, { lets }] of Object.entries(SELECTING))
          expect([name, await letIn(() => host(name))]).toEqual([name, lets]);
        expect(await answered(host("no-such-host"), "default")).toBe(false);
      },
    );

    proves(
      rowKind(kind),
      ["listeners[].allowedRoutes.kinds[].{group,kind}"],
      `of a ${kind} take routes of the kinds that they let in`,
      async () => {
        expect(await answered(host("kind-http"), "default")).toBe(true);
        expect(await answered(host("kind-grpc"), "default")).toBe(false);
        expect(await answered(host("kind-of-others"), "default")).toBe(false);
      },
    );

    proves(
      rowKind(kind),
      ["listeners[].tls.certificateRefs[].{group,kind,namespace,name}"],
      `of a ${kind} show the certificate of the Secret that they name, if they may`,
      async () => {
        expect(await shown(`a.${own}.tls`)).toBe("a");
        expect(await shown(`b.${own}.tls`)).toBe("b");
        expect(await shown(`wrong-group.${own}.tls`)).toBe("refused");
        expect(await shown(`wrong-kind.${own}.tls`)).toBe("refused");
        expect(await shown(`granted.${own}.tls`)).toBe("granted");
        expect(await shown(`not-granted.${own}.tls`)).toBe("refused");
      },
    );

    proves(
      rowKind(kind),
      ["listeners[].tls.mode={Terminate,Passthrough}", "listeners[].{name,port,protocol}"],
      `of a ${kind} take TLS off or pass it on, on their port, and are named by routes`,
      async () => {
        const says = (name: string) =>
          greeting(EDGE, BYTES_PORT, { secure: true, servername: `${name}.${own}.tls` }).then(
            ({ text }) => text,
            () => "refused",
          );
        expect([await says("off"), await says("through")]).toEqual(["in the clear", "in TLS"]);
        expect(await answered(host("all"), "default", OTHER_PORT)).toBe(false);
        expect(await answered(host("named"), "default")).toBe(false);
        expect(await answered(host("named"), "default", OTHER_PORT)).toBe(true);
        expect(await answered(host("named"), "default", OTHER_PORT, "picked")).toBe(true);
        expect(await answered(host("unnamed"), "default", OTHER_PORT, "picked")).toBe(false);
      },
    );
  }

  for (const kind of SETS) {
    proves(
      kind,
      ["parentRef.{group,kind,namespace,name}"],
      `of a ${kind} belong to the Gateway that it names`,
      async () => {
        const belongs = (name: string, namespace = "default") =>
          answered(`${name}.${slug(kind)}.parents.test`, namespace);
        expect(await belongs("whole")).toBe(true);
        expect(await belongs("wrong-group")).toBe(false);
        expect(await belongs("wrong-kind")).toBe(false);
        expect(await belongs("wrong-name")).toBe(false);
        expect(await belongs("from-afar", "gold")).toBe(true);
        expect(await belongs("at-home", "gold")).toBe(false);
      },
    );
  }

  const allowed = "allowedListeners.namespaces";
  proves(
    rowKind("Gateway"),
    [
      `${allowed}.from={All,Selector,Same,None}`,
      `${allowed}.selector.matchLabels`,
      `${allowed}.selector.matchExpressions[].{key,values}`,
      `${allowed}.selector.matchExpressions[].operator={In,NotIn,Exists,DoesNotExist}`,
    ],
    "of ListenerSets are added where the Gateway lets their namespace in",
    async () => {
      for (const [name, { lets }] of Object.entries(LETTING)) {
        const found = await letIn((namespace) => `${namespace}.${name}.lets.test`);
        expect([name, found]).toEqual([name, lets]);
      }
    },
  );

  proves(
    rowKind("Gateway"),
    ["addresses[].{type,value}"],
    "are those of the proxies behind the Service that a Gateway names as its address",
    async () => {
      expect(await answered("here.at.test", "default")).toBe(true);
      expect(await answered("elsewhere.at.test", "default")).toBe(false);
      expect(await answered("another-type.at.test", "default")).toBe(false);
    },
  );

  test("of a Gateway whose class has parameters that nobody reads are not there", async () => {
    expect(await answered("parametrised.at.test", "default")).toBe(false);
  });
});
