/** A gateway between the networks of one mesh: mutual TLS of workloads elsewhere is passed on as it is, by the name of the cluster. */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Greeter, greeting, startGreeter } from "../../harness/bytes.ts";
import { createAuthority, type Leaf } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, gateway, service, serviceEntry } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.101.0.1";
const V1 = "127.101.0.2";
const V2 = "127.101.0.3";
const HIDDEN = "127.101.0.4";
const CLIENT = "127.101.0.5";
const PLAIN = "127.101.0.6";
const PORT = 9080;
const BETWEEN = 15443;
const SHOP = "shop.default.svc.cluster.local";

const authority = createAuthority();

describe.skipIf(!envoyBinary)("a gateway between networks", () => {
  const shop = (version: string) => ({ app: "shop", version });
  // The network where the services are.
  startedMesh({
    authority,
    workloads: {
      edge: { address: EDGE, type: "router", labels: { istio: "eastwestgateway" } },
      v1: { address: V1, ports: [PORT], labels: shop("v1"), serviceAccount: "shop" },
      v2: { address: V2, ports: [PORT], labels: shop("v2"), serviceAccount: "shop" },
      hidden: { address: HIDDEN, ports: [PORT], namespace: "other" },
    },
    objects: [
      ...service("shop", [{ name: "http", port: PORT }], [V1, V2]),
      ...service("hidden", [{ name: "http", port: PORT }], [HIDDEN], { namespace: "other" }),
      ...service("plain", [{ name: "tls", port: PORT }], [PLAIN]),
      destinationRule("shop", {
        host: "shop",
        subsets: [
          { name: "v1", labels: { version: "v1" } },
          { name: "v2", labels: { version: "v2" } },
        ],
      }),
      gateway("cross-network", {
        selector: { istio: "eastwestgateway" },
        servers: [
          {
            port: { number: BETWEEN, name: "tls", protocol: "TLS" },
            hosts: ["default/*.local"],
            tls: { mode: "AUTO_PASSTHROUGH" },
          },
          {
            port: { number: BETWEEN + 1, name: "tls-one", protocol: "TLS" },
            hosts: [SHOP],
            tls: { mode: "AUTO_PASSTHROUGH" },
          },
          {
            port: { number: BETWEEN + 2, name: "tls-all", protocol: "TLS" },
            hosts: ["default/*"],
            tls: { mode: "AUTO_PASSTHROUGH" },
          },
        ],
      }),
    ],
  });
  // Another network, of whose view the service is behind the gateway.
  const far = startedMesh({
    authority,
    workloads: { client: { address: CLIENT } },
    objects: [
      serviceEntry("shop", {
        hosts: [SHOP],
        location: "MESH_INTERNAL",
        resolution: "STATIC",
        ports: [{ number: PORT, name: "http", protocol: "HTTP" }],
        endpoints: [
          {
            address: EDGE,
            ports: { http: BETWEEN },
            labels: { "security.istio.io/tlsMode": "istio" },
          },
        ],
      }),
    ],
  });
  let person: Leaf;
  let greeter: Greeter;
  beforeAll(async () => {
    person = await (await authority).issue("spiffe://cluster.local/ns/far/sa/person");
    greeter = await startGreeter("plain", PLAIN, PORT, person);
  });
  afterAll(() => greeter.stop());

  /** Which workload answers a client of the mesh that asks for a cluster by its name; "refused" where there is no way. */
  const behind = (cluster: string, { port = BETWEEN, alpn = ["istio", "http/1.1"] } = {}) =>
    ask(EDGE, port, SHOP, "/", {
      secure: true,
      servername: cluster,
      rejectUnauthorized: false,
      cert: person.chain,
      key: person.key,
      ...{ ALPNProtocols: alpn },
    }).then(
      ({ status, echo }) => (status === 200 ? echo().name : String(status)),
      () => "refused",
    );

  proves(
    "Gateway",
    ["servers[].tls.mode=AUTO_PASSTHROUGH"],
    "passes connections of the mesh on to the port and subset that their server name stands for",
    async () => {
      expect(await behind(`outbound_.${PORT}_.v1_.${SHOP}`)).toBe("v1");
      expect(await behind(`outbound_.${PORT}_.v2_.${SHOP}`)).toBe("v2");
      expect(await behind(`outbound_.${PORT}_._.${SHOP}`)).toMatch(/^v[12]$/);
      expect(await behind(`outbound_.${PORT}_.v1_.${SHOP}`, { port: BETWEEN + 1 })).toBe("v1");
      // A workload elsewhere, which knows of the gateway alone.
      const answer = await far.get("client", `${SHOP}:${PORT}`);
      expect([answer.status, answer.echo().name]).toEqual([200, expect.stringMatching(/^v[12]$/)]);
      expect(answer.echo().headers["x-forwarded-client-cert"]).toContain("sa/client");
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.mode=AUTO_PASSTHROUGH", "servers[].hosts"],
    "passes nothing on but mutual TLS of the mesh to services that its hosts let in",
    async () => {
      expect(await behind(`outbound_.81_._.${SHOP}`)).toBe("refused");
      expect(await behind(`outbound_.${PORT}_.v3_.${SHOP}`)).toBe("refused");
      expect(await behind(SHOP)).toBe("refused");
      const hidden = `outbound_.${PORT}_._.hidden.other.svc.cluster.local`;
      expect(await behind(hidden)).toBe("refused");
      const plain = `outbound_.${PORT}_._.plain.default.svc.cluster.local`;
      expect(await behind(plain, { port: BETWEEN + 1 })).toBe("refused");
      // TLS of somebody who is no proxy of the mesh.
      const says = (servername: string, port: number, alpn: string) =>
        greeting(EDGE, port, { secure: true, servername, ALPNProtocols: [alpn] }).then(
          ({ text }) => text,
          () => "refused",
        );
      expect(await says(plain, BETWEEN, "istio")).toBe("plain");
      expect(await says(plain, BETWEEN, "h2")).toBe("refused");
      // Names of clusters that are the gateway's own.
      expect(await says(plain, BETWEEN + 2, "istio")).toBe("plain");
      const own = `outbound|${PORT}||plain.default.svc.cluster.local`;
      expect(await says(own, BETWEEN + 2, "istio")).toBe("refused");
    },
  );
});
