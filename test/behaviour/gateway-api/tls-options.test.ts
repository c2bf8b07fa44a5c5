/** Options of a listener's TLS that are Istio's own, by connections to a real Envoy. */
import type { GatewayApi, MeshObject } from "@heddle/model";
import { connect } from "node:tls";
import { describe, expect } from "vitest";
import { certificateSecret, createAuthority, type Leaf } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, object } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.154.0.1";
const PORT = 8443;
const [authority, others] = [createAuthority(), await createAuthority("others")];
const mesh = await authority;
const [edge, alice, workload] = (await Promise.all([
  others.issue("edge.test"),
  others.issue("alice.test"),
  mesh.issue("spiffe://cluster.local/ns/default/sa/client"),
])) as [Leaf, Leaf, Leaf];

const MODE = "gateway.istio.io/tls-terminate-mode";
const SUITES = "gateway.istio.io/tls-cipher-suites";
const OPTIONS = {
  simple: { [MODE]: "SIMPLE" },
  mutual: { [MODE]: "MUTUAL" },
  optional: { [MODE]: "OPTIONAL_MUTUAL" },
  mesh: { [MODE]: "ISTIO_MUTUAL" },
  suites: { [SUITES]: "ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-RSA-AES256-GCM-SHA384" },
  unknown: { [MODE]: "MAYBE" },
} as const;
type Name = keyof typeof OPTIONS;
const NAMES = Object.keys(OPTIONS) as Name[];

const listener = (name: Name, hostname: string): GatewayApi.Listener => ({
  name,
  port: PORT,
  protocol: "HTTPS",
  hostname,
  tls: {
    ...(name === "mesh" ? {} : { certificateRefs: [{ name: "edge-cert" }] }),
    options: OPTIONS[name],
  },
});

const OBJECTS: readonly MeshObject[] = [
  object("v1", "Secret", "edge-cert", {
    data: {
      "tls.crt": btoa(edge.chain),
      "tls.key": btoa(edge.key),
      "ca.crt": btoa(others.certificate),
    },
  }),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    allowedListeners: { namespaces: { from: "Same" } },
    listeners: NAMES.map((name) => listener(name, `${name}.test`)),
  }),
  gatewayApi<GatewayApi.ListenerSet>("ListenerSet", "more", {
    parentRef: { name: "edge" },
    listeners: [listener("mutual", "mutual.set.test"), listener("simple", "simple.set.test")],
  }),
  {
    ...gatewayApi<GatewayApi.ListenerSet>("XListenerSet", "older", {
      parentRef: { name: "edge" },
      listeners: [listener("mutual", "mutual.old.test"), listener("simple", "simple.old.test")],
    }),
    apiVersion: "gateway.networking.x-k8s.io/v1alpha1",
  },
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", "all", {
    parentRefs: [
      { name: "edge" },
      { kind: "ListenerSet", name: "more" },
      { group: "gateway.networking.x-k8s.io", kind: "XListenerSet", name: "older" },
    ],
    rules: [{ filters: [{ type: "RequestRedirect", requestRedirect: { hostname: "let.in" } }] }],
  }),
];

describe.skipIf(!envoyBinary)("options of TLS", () => {
  startedMesh({
    authority,
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
        secrets: async () => [
          certificateSecret("kubernetes://default/edge-cert", edge),
          {
            name: "kubernetes://default/edge-cert-cacert",
            validationContext: { trustedCa: { inlineString: others.certificate } },
          },
        ],
      },
    },
    objects: OBJECTS,
  });

  /** Of a client with nobody's certificate, with one of the gateway's authority, with one of a workload of the mesh. */
  const letIn = async (hostname: string) => {
    const found: string[] = [];
    for (const [who, leaf] of [
      ["nobody", undefined],
      ["alice", alice],
      ["workload", workload],
    ] as const) {
      const asking = { secure: true, rejectUnauthorized: false, servername: hostname };
      const status = await ask(EDGE, PORT, hostname, "/", {
        ...asking,
        ...(leaf ? { cert: leaf.chain, key: leaf.key } : {}),
      }).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === 302) found.push(who);
    }
    return found;
  };
  const cipherOf = (hostname: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(
        {
          host: EDGE,
          port: PORT,
          servername: hostname,
          rejectUnauthorized: false,
          maxVersion: "TLSv1.2",
          ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
        },
        () => {
          resolve(socket.getCipher().name);
          socket.destroy();
        },
      );
      socket.on("error", reject);
    });

  proves(
    {
      "gateway.networking.k8s.io/Gateway": ["listeners[].tls.options"],
      ListenerSet: ["listeners[].tls.options"],
      XListenerSet: ["listeners[].tls.options"],
    },
    "say whose certificates are asked for, and by which suites of ciphers; one that is not known closes the listener",
    async () => {
      expect(await letIn("simple.test")).toEqual(["nobody", "alice", "workload"]);
      expect(await letIn("mutual.test")).toEqual(["alice"]);
      expect(await letIn("optional.test")).toEqual(["nobody", "alice"]);
      expect(await letIn("mesh.test")).toEqual(["workload"]);
      expect(await letIn("unknown.test")).toEqual([]);
      for (const set of ["set", "old"]) {
        expect(await letIn(`mutual.${set}.test`)).toEqual(["alice"]);
        expect(await letIn(`simple.${set}.test`)).toEqual(["nobody", "alice", "workload"]);
      }
      expect(await cipherOf("suites.test")).toBe("ECDHE-ECDSA-AES256-GCM-SHA384");
      expect(await cipherOf("simple.test")).toBe("ECDHE-ECDSA-AES128-GCM-SHA256");
    },
  );
});
