/** What all kinds of routes share: how they name their parents and their backends, by traffic of each kind to a real Envoy. */
import { createSocket, type Socket } from "node:dgram";
import type { GatewayApi, MeshObject } from "@heddle/model";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.140.0.1";
const SERVERS = { a: "127.140.0.2", b: "127.140.0.3", far: "127.140.0.4" } as const;
const API = "gateway.networking.k8s.io";

const certificate = await (await createAuthority()).issue("spiffe://cluster.local/ns/a/sa/a");

interface Kind {
  readonly kind: string;
  readonly protocol: string;
  /** Of the port that its servers listen on. */
  readonly backendPort: number;
  readonly hostnames?: readonly string[];
  /** Who answers behind a port of the gateway; `nobody` where nobody does. */
  readonly who: (port: number) => Promise<string>;
}

const KINDS: readonly Kind[] = [
  { kind: "HTTPRoute", protocol: "HTTP", backendPort: 9080, who: byRequest },
  { kind: "GRPCRoute", protocol: "HTTP", backendPort: 9080, who: byRequest },
  {
    kind: "TLSRoute",
    protocol: "TLS",
    backendPort: 7443,
    hostnames: ["any.test"],
    who: (port) => byConnection(port, true),
  },
  {
    kind: "TCPRoute",
    protocol: "TCP",
    backendPort: 7000,
    who: (port) => byConnection(port, false),
  },
  { kind: "UDPRoute", protocol: "UDP", backendPort: 7053, who: byDatagram },
];

/** Listeners of one kind, each at a port of its own behind that of the kind. */
const CASES = [
  "never",
  "group",
  "kind",
  "namespace",
  "name",
  "port",
  "hostname",
  "bucket",
  "granted",
  "refused",
  "weight",
] as const;
type Case = (typeof CASES)[number];
/** Of the ListenerSet. */
const SET_PORT = CASES.length;
/** Of a Gateway that is default, and of one that says it is none. */
const DEFAULT_PORT = SET_PORT + 1;
const NO_DEFAULT_PORT = SET_PORT + 2;

const base = (kind: Kind) => 10_000 + KINDS.indexOf(kind) * 20;
const portOf = (kind: Kind, name: Case) => base(kind) + CASES.indexOf(name);
const sectionOf = ({ kind }: Kind, name: Case) => `${kind.toLowerCase()}-${name}`;

function listener(kind: Kind, name: string, port: number): GatewayApi.Listener {
  const { protocol } = kind;
  return {
    name,
    port,
    protocol,
    ...(protocol === "TLS" ? { tls: { mode: "Passthrough" } } : {}),
    allowedRoutes: { namespaces: { from: "All" }, kinds: [{ kind: kind.kind }] },
  };
}

function routes(kind: Kind): readonly MeshObject[] {
  const { backendPort: port } = kind;
  const route = (
    name: string,
    parent: Partial<GatewayApi.ParentReference>,
    backends: readonly GatewayApi.BackendRef[] = [{ name: "a", port }],
    namespace = "default",
  ) =>
    gatewayApi(
      kind.kind,
      `${kind.kind.toLowerCase()}-${name}`,
      {
        parentRefs: [{ name: "edge", ...parent }],
        ...(kind.hostnames ? { hostnames: kind.hostnames } : {}),
        rules: [{ backendRefs: backends }],
      },
      namespace,
    );
  const far = [{ name: "far", port }];
  const orphan = (name: string, useDefaultGateways: "All" | "None", backend: string) =>
    gatewayApi(kind.kind, `${kind.kind.toLowerCase()}-${name}`, {
      useDefaultGateways,
      ...(kind.hostnames ? { hostnames: kind.hostnames } : {}),
      rules: [{ backendRefs: [{ name: backend, port }] }],
    });
  const section = (name: Case) => ({ sectionName: sectionOf(kind, name) });
  const never = section("never");
  return [
    orphan("defaulted", "All", "b"),
    // Would be first by its name.
    orphan("defaults-refused", "None", "a"),
    route("group", { group: API, ...section("group") }),
    route("other-group", { group: "example.com", ...never }),
    // The ListenerSet and the Gateway have one name, and a listener of one name.
    route("kind", { kind: "ListenerSet", ...section("kind") }, [{ name: "b", port }]),
    route("namespace", { namespace: "default", ...section("namespace") }, far, "other"),
    route("own-namespace", never, far, "other"),
    route("name", { name: "edge", ...section("name") }),
    route("other-name", { name: "nobody", ...never }),
    route("port", { port: portOf(kind, "port") }),
    route("hostname", section("hostname"), [
      {
        group: "networking.istio.io",
        kind: "Hostname",
        name: "b.default.svc.cluster.local",
        port,
      },
    ]),
    route("bucket", section("bucket"), [{ group: "example.com", kind: "Bucket", name: "a", port }]),
    route("granted", section("granted"), [
      { group: "", kind: "Service", name: "far", namespace: "other", port },
    ]),
    route("refused", section("refused"), [{ name: "shut", namespace: "other", port }]),
    route("weight", section("weight"), [
      { name: "a", port, weight: 0 },
      { name: "b", port, weight: 1 },
      { name: "far", namespace: "other", port, weight: 1 },
    ]),
  ];
}

/** Of all protocols. */
function servers(name: string, address: string, namespace: string): readonly MeshObject[] {
  const ports = [
    { name: "http", port: 9080 },
    { name: "tls", port: 7443 },
    { name: "tcp", port: 7000 },
    { name: "udp", port: 7053 },
  ];
  return service(name, ports, [address], { namespace }).map((each) => {
    const spec = each.spec as { readonly ports: readonly { readonly name: string }[] };
    return {
      ...each,
      spec: {
        ...spec,
        ports: spec.ports.map((one) => (one.name === "udp" ? { ...one, protocol: "UDP" } : one)),
      },
    };
  });
}

const OBJECTS = [
  ...servers("a", SERVERS.a, "default"),
  ...servers("b", SERVERS.b, "default"),
  ...servers("far", SERVERS.far, "other"),
  ...servers("shut", SERVERS.far, "other"),
  // A Service of the same name as that of the other namespace, so that it is the namespace that decides.
  ...servers("far", SERVERS.a, "default"),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    allowedListeners: { namespaces: { from: "Same" } },
    listeners: KINDS.flatMap((kind) =>
      CASES.map((name) => listener(kind, sectionOf(kind, name), portOf(kind, name))),
    ),
  }),
  gatewayApi<GatewayApi.ListenerSet>("ListenerSet", "edge", {
    parentRef: { name: "edge" },
    listeners: KINDS.map((kind) => listener(kind, sectionOf(kind, "kind"), base(kind) + SET_PORT)),
  }),
  gatewayApi<GatewayApi.ReferenceGrant>(
    "ReferenceGrant",
    "far",
    {
      from: KINDS.map(({ kind }) => ({ group: API, kind, namespace: "default" })),
      to: [{ group: "", kind: "Service", name: "far" }],
    },
    "other",
  ),
  ...KINDS.flatMap(routes),
  ...service("edge", [{ name: "http", port: 9999 }], [EDGE]),
  ...(
    [
      ["defaults", "All", DEFAULT_PORT],
      ["no-defaults", "None", NO_DEFAULT_PORT],
    ] as const
  ).map(([name, defaultScope, port]) =>
    gatewayApi<GatewayApi.Gateway>("Gateway", name, {
      gatewayClassName: "heddle",
      addresses: [{ type: "Hostname", value: "edge.default.svc.cluster.local" }],
      listeners: KINDS.map((kind) => listener(kind, kind.kind.toLowerCase(), base(kind) + port)),
      defaultScope,
    }),
  ),
];

describe.skipIf(!envoyBinary)("routes of every kind", () => {
  startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
      },
      a: { address: SERVERS.a, ports: [9080], sidecar: false },
      b: { address: SERVERS.b, ports: [9080], sidecar: false },
      far: { address: SERVERS.far, ports: [9080], sidecar: false, namespace: "other" },
    },
    objects: OBJECTS,
  });
  const greeters: Greeter[] = [];
  const sockets: Socket[] = [];
  beforeAll(async () => {
    for (const [name, address] of Object.entries(SERVERS)) {
      greeters.push(await startGreeter(name, address, 7000));
      greeters.push(await startGreeter(name, address, 7443, certificate));
      sockets.push(await answering(name, address, 7053));
    }
  });
  afterAll(async () => {
    await Promise.all(greeters.map((each) => each.stop()));
    for (const socket of sockets) socket.close();
  });

  for (const each of KINDS) {
    const who = (name: Case) => each.who(portOf(each, name));
    proves(
      each.kind,
      ["parentRefs[].{group,kind,namespace,name,sectionName,port}"],
      `${each.kind}: attaches to the parent that it names, and to no other of that name, namespace, kind or group`,
      async () => {
        expect(await who("group")).toBe("a");
        // The ListenerSet of the Gateway's name, not the Gateway.
        expect(await each.who(base(each) + SET_PORT)).toBe("b");
        expect(await who("kind")).toBe("nobody");
        expect(await who("namespace")).toBe("far");
        expect(await who("name")).toBe("a");
        expect(await who("port")).toBe("a");
        // Of another group, of a Gateway of another namespace, of one that is not there; and of all listeners but one.
        expect(await who("never")).toBe("nobody");
      },
    );

    proves(
      {
        [each.kind]: ["useDefaultGateways={All,None}"],
        [`${API}/Gateway`]: ["defaultScope={All,None}"],
      },
      `${each.kind}: takes whatever Gateways are default, where it asks for them`,
      async () => {
        expect(await each.who(base(each) + DEFAULT_PORT)).toBe("b");
        expect(await each.who(base(each) + NO_DEFAULT_PORT)).toBe("nobody");
      },
    );

    proves(
      each.kind,
      ["rules[].backendRefs[].{group,kind,namespace,name,port,weight}"],
      `${each.kind}: leads to backends of the kind, namespace and weight that it names, and to nobody where they are not granted`,
      async () => {
        expect(await who("hostname")).toBe("b");
        expect(await who("bucket")).toBe("nobody");
        expect(await who("granted")).toBe("far");
        expect(await who("refused")).toBe("nobody");
        const seen = new Set<string>();
        for (let i = 0; i < 24; i++) seen.add(await who("weight"));
        expect([...seen].toSorted()).toEqual(["b", "far"]);
      },
    );
  }
});

async function byRequest(port: number): Promise<string> {
  const answer = await ask(EDGE, port, "any.test", "/a.B/C", { method: "POST" }).catch(
    () => undefined,
  );
  return answer?.status === 200 ? answer.echo().name : "nobody";
}

async function byConnection(port: number, secure: boolean): Promise<string> {
  const hello = secure ? { secure, servername: "any.test" } : {};
  const said = await greeting(EDGE, port, hello).catch(() => undefined);
  return said?.text || "nobody";
}

function byDatagram(port: number): Promise<string> {
  const socket = createSocket("udp4");
  return new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve("nobody"), 500);
    socket.on("message", (message) => {
      clearTimeout(timer);
      resolve(message.toString());
    });
    socket.send("who", port, EDGE);
  }).finally(() => socket.close());
}

/** Says its name to whoever asks. */
async function answering(name: string, address: string, port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (_message, { address: to, port: at }) => socket.send(name, at, to));
  await new Promise<void>((resolve) => socket.bind(port, address, resolve));
  return socket;
}
