/** The certificate of its own that a Gateway presents to backends, by a server that asks for one, through real Envoys. */
import type { GatewayApi, MeshObject } from "@heddle/model";
import { createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closed, listening } from "../../harness/application.ts";
import { certificateSecret, createAuthority } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh, type TestWorkload } from "../../harness/mesh.ts";
import { destinationRule, gatewayApi, object, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const BACKEND = "127.145.0.2";
const PORT = 8443;

const authority = await createAuthority();
const server = await authority.issue("spiffe://cluster.local/ns/default/sa/secure");
const own = await authority.issue("spiffe://edge/own");
const far = await authority.issue("spiffe://edge/far");

type Reference = GatewayApi.SecretObjectReference;

/** What each Gateway names; each has a proxy. */
const GATEWAYS: Readonly<Record<string, Reference | undefined>> = {
  none: undefined,
  own: { name: "client" },
  typed: { group: "", kind: "Secret", name: "client" },
  "wrong-kind": { group: "example.com", kind: "Vault", name: "client" },
  granted: { name: "client", namespace: "other" },
  hidden: { name: "hidden", namespace: "other" },
};
const NAMES = Object.keys(GATEWAYS);
const addressOf = (name: string) => `127.145.0.${10 + NAMES.indexOf(name)}`;

const secret = (name: string, leaf: typeof own, namespace = "default") =>
  object(
    "v1",
    "Secret",
    name,
    { data: { "tls.crt": btoa(leaf.chain), "tls.key": btoa(leaf.key) } },
    namespace,
  );

const OBJECTS: readonly MeshObject[] = [
  ...service("secure", [{ name: "https", port: PORT }], [BACKEND]),
  ...service("ruled", [{ name: "https", port: PORT }], [BACKEND]),
  secret("client", own),
  secret("client", far, "other"),
  secret("hidden", far, "other"),
  gatewayApi<GatewayApi.ReferenceGrant>(
    "ReferenceGrant",
    "client",
    {
      from: [{ group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default" }],
      to: [{ group: "", kind: "Secret", name: "client" }],
    },
    "other",
  ),
  object("v1", "ConfigMap", "roots", { data: { "ca.crt": authority.certificate } }),
  gatewayApi<GatewayApi.BackendTLSPolicy>("BackendTLSPolicy", "secure", {
    targetRefs: [
      { group: "", kind: "Service", name: "secure" },
      { group: "", kind: "Service", name: "ruled" },
    ],
    validation: {
      hostname: "secure.test",
      caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "roots" }],
      subjectAltNames: [{ type: "URI", uri: "spiffe://cluster.local/ns/default/sa/secure" }],
    },
  }),
  // A rule that speaks of TLS goes first, with all that it says.
  destinationRule("ruled", {
    host: "ruled",
    trafficPolicy: { tls: { mode: "SIMPLE", insecureSkipVerify: true } },
  }),
  ...Object.entries(GATEWAYS).map(([name, clientCertificateRef]) =>
    gatewayApi<GatewayApi.Gateway>("Gateway", name, {
      gatewayClassName: "heddle",
      listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
      ...(clientCertificateRef ? { tls: { backend: { clientCertificateRef } } } : {}),
    }),
  ),
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", "all", {
    parentRefs: NAMES.map((name) => ({ name })),
    rules: [
      { matches: [{ path: { value: "/ruled" } }], backendRefs: [{ name: "ruled", port: PORT }] },
      { backendRefs: [{ name: "secure", port: PORT }] },
    ],
  }),
];

describe.skipIf(!envoyBinary)("a Gateway's certificate towards backends", () => {
  startedMesh({
    workloads: Object.fromEntries(
      NAMES.map((name): [string, TestWorkload] => [
        name,
        {
          address: addressOf(name),
          type: "router",
          labels: { "gateway.networking.k8s.io/gateway-name": name },
          secrets: async () => [
            certificateSecret("kubernetes://default/client", own),
            certificateSecret("kubernetes://other/client", far),
            certificateSecret("kubernetes://other/hidden", far),
          ],
        },
      ]),
    ),
    objects: OBJECTS,
  });
  let backend: Server;
  beforeAll(async () => {
    const asking = {
      cert: server.chain,
      key: server.key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    };
    backend = createServer(asking, (request, response) => {
      const names = (request.socket as TLSSocket).getPeerCertificate().subjectaltname;
      response.end(names ?? "nobody");
    });
    await listening(backend, BACKEND, PORT);
  });
  afterAll(() => closed(backend));

  const presented = async (gateway: string, path = "/") =>
    (await ask(addressOf(gateway), 8080, "any.test", path)).body;

  proves(
    "gateway.networking.k8s.io/Gateway",
    ["tls.backend.clientCertificateRef.{group,kind,namespace,name}"],
    "presents the certificate that it names, of another namespace only where that has granted it",
    async () => {
      expect(await presented("none")).toBe("nobody");
      expect(await presented("own")).toBe("URI:spiffe://edge/own");
      expect(await presented("typed")).toBe("URI:spiffe://edge/own");
      expect(await presented("wrong-kind")).toBe("nobody");
      expect(await presented("granted")).toBe("URI:spiffe://edge/far");
      expect(await presented("hidden")).toBe("nobody");
    },
  );

  test("is not what a DestinationRule presents", async () => {
    expect(await presented("own", "/ruled")).toBe("nobody");
  });
});
