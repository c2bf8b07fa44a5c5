/** Where requests to an entry's hosts go: its endpoints, their ports, weights, labels and places, and who sees it. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import {
  destinationRule,
  peerAuthentication,
  serviceEntry,
  virtualService,
} from "../../harness/objects.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const A = "127.100.0.2";
const B = "127.100.0.3";
const SECURE = "127.100.0.4";
const HTTP = [{ number: 8000, name: "http", protocol: "HTTP", targetPort: 9080 }];
const STATIC = { resolution: "STATIC", ports: HTTP } as const;
const SECURE_ID = "spiffe://cluster.local/ns/default/sa/secure";

const folder = await mkdtemp(path.join(tmpdir(), "heddle-socket-"));
const SOCKET = path.join(folder, "app.sock");

// Ten thousand requests take their time where other tests run beside them.
vi.setConfig({ testTimeout: 120_000 });

describe.skipIf(!envoyBinary)("endpoints of a ServiceEntry", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.100.0.1", locality: { region: "r1", zone: "z1" } },
      stranger: { address: "127.100.0.9", namespace: "other" },
      a: { address: A, ports: [9080, 9081], sidecar: false },
      b: { address: B, ports: [9080], sidecar: false },
      secure: { address: SECURE, ports: [9080] },
    },
    objects: [
      serviceEntry("weighted", {
        ...STATIC,
        hosts: ["weighted.test"],
        endpoints: [{ address: A, weight: 3 }, { address: B }],
      }),
      // The default looks at requests under way besides.
      destinationRule("weighted", {
        host: "weighted.test",
        trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN" } },
      }),
      serviceEntry("ports", {
        ...STATIC,
        hosts: ["ports.test"],
        ports: [
          { number: 8000, name: "one", protocol: "HTTP", targetPort: 9080 },
          { number: 9081, name: "two", protocol: "HTTP" },
          { number: 8002, name: "three", protocol: "HTTP" },
        ],
        endpoints: [{ address: A, ports: { three: 9081 } }],
      }),
      serviceEntry("labels", {
        ...STATIC,
        hosts: ["labels.test"],
        endpoints: [
          { address: A, labels: { version: "v1" } },
          { address: B, labels: { version: "v2" } },
        ],
      }),
      destinationRule("labels", {
        host: "labels.test",
        subsets: [{ name: "v2", labels: { version: "v2" } }],
      }),
      virtualService("labels", {
        hosts: ["labels.test"],
        http: [
          {
            match: [{ uri: { prefix: "/v2" } }],
            route: [{ destination: { host: "labels.test", subset: "v2" } }],
          },
          { route: [{ destination: { host: "labels.test" } }] },
        ],
      }),
      serviceEntry("places", {
        ...STATIC,
        hosts: ["places.test"],
        endpoints: [
          { address: A, locality: "r1/z1" },
          { address: B, locality: "r2/z1" },
        ],
      }),
      destinationRule("places", {
        host: "places.test",
        trafficPolicy: {
          loadBalancer: {
            localityLbSetting: { distribute: [{ from: "r1/*", to: { "r2/*": 100 } }] },
          },
        },
      }),
      serviceEntry("several", {
        ...STATIC,
        hosts: ["one.test", "*.wild.test"],
        endpoints: [{ address: B }],
      }),
      serviceEntry("socket", {
        ...STATIC,
        hosts: ["socket.test"],
        endpoints: [{ address: `unix://${SOCKET}` }],
      }),
      serviceEntry("theirs", {
        ...STATIC,
        hosts: ["theirs.test"],
        exportTo: ["other"],
        endpoints: [{ address: A }],
      }),
      ...["client", "other"].map((name) =>
        serviceEntry(
          `own-${name}`,
          {
            ...STATIC,
            hosts: ["own.test"],
            exportTo: ["."],
            endpoints: [{ address: name === "client" ? A : B }],
          },
          name === "client" ? "default" : "other",
        ),
      ),
      peerAuthentication("secure", {
        selector: { matchLabels: { app: "secure" } },
        mtls: { mode: "STRICT" },
      }),
      serviceEntry("inside", {
        ...STATIC,
        hosts: ["inside.test"],
        location: "MESH_INTERNAL",
        endpoints: [{ address: SECURE, serviceAccount: "secure" }],
      }),
      serviceEntry("unknown", {
        ...STATIC,
        hosts: ["unknown.test"],
        location: "MESH_INTERNAL",
        endpoints: [{ address: SECURE }],
      }),
      serviceEntry("outside", {
        ...STATIC,
        hosts: ["outside.test"],
        location: "MESH_EXTERNAL",
        endpoints: [{ address: SECURE, serviceAccount: "secure" }],
      }),
      ...["named", "misnamed"].map((name) =>
        serviceEntry(name, {
          ...STATIC,
          hosts: [`${name}.test`],
          location: "MESH_INTERNAL",
          endpoints: [{ address: SECURE, serviceAccount: "somebody-else" }],
          ...(name === "named" ? { subjectAltNames: [SECURE_ID] } : {}),
        }),
      ),
    ],
  });
  const server = createServer((_request, response) => response.end("through the socket"));
  beforeAll(() => new Promise<void>((resolve) => void server.listen(SOCKET, resolve)));
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  const whoAnswers = async (authority: string, count = 20, uri = "/") => {
    const answers: string[] = [];
    for (let i = 0; i < count; i++) {
      answers.push((await mesh.get("client", authority, uri)).headers["x-application"] ?? "nobody");
    }
    return answers;
  };

  proves(
    "ServiceEntry",
    ["resolution=STATIC", "endpoints[].address", "endpoints[].weight"],
    "endpoints share the requests by their weights",
    async () => {
      const shares = await sharesOf(mesh, "client", "weighted.test:8000");
      expect(Math.abs(shares.of("a") - 0.75)).toBeLessThan(0.02);
      expect(Math.abs(shares.of("b") - 0.25)).toBeLessThan(0.02);
    },
  );

  proves(
    "ServiceEntry",
    ["ports[].number", "ports[].name", "ports[].targetPort", "endpoints[].ports"],
    "a port leads to the endpoint's port of its name, else to its target port, else to its own number",
    async () => {
      const portOf = async (port: number) =>
        (await mesh.get("client", `ports.test:${port}`)).echo().port;
      expect(await portOf(8000)).toBe(9080);
      expect(await portOf(9081)).toBe(9081);
      expect(await portOf(8002)).toBe(9081);
      expect((await mesh.get("client", "ports.test:8003")).status).toBe(502);
    },
  );

  proves("ServiceEntry", ["endpoints[].labels"], "a subset takes endpoints by labels", async () => {
    expect(new Set(await whoAnswers("labels.test:8000", 10, "/v2"))).toEqual(new Set(["b"]));
    expect(new Set(await whoAnswers("labels.test:8000", 20))).toEqual(new Set(["a", "b"]));
  });

  proves(
    "ServiceEntry",
    ["endpoints[].locality"],
    "traffic is spread by the endpoints' places",
    async () => {
      expect(new Set(await whoAnswers("places.test:8000"))).toEqual(new Set(["b"]));
    },
  );

  proves(
    "ServiceEntry",
    ["hosts"],
    "every host leads there, and every name under a wildcard",
    async () => {
      for (const host of ["one.test", "x.wild.test", "y.x.wild.test"]) {
        expect((await mesh.get("client", `${host}:8000`)).headers["x-application"]).toBe("b");
      }
      for (const host of ["two.test", "wild.test"]) {
        expect((await mesh.get("client", `${host}:8000`)).status).toBe(502);
      }
    },
  );

  proves("ServiceEntry", ["endpoints[].address"], "an endpoint may be a Unix socket", async () => {
    expect((await mesh.get("client", "socket.test:8000")).body).toBe("through the socket");
  });

  proves(
    "ServiceEntry",
    ["exportTo"],
    "only namespaces that it is exported to see it",
    async () => {
      expect((await mesh.get("client", "theirs.test:8000")).status).toBe(502);
      expect((await mesh.get("stranger", "theirs.test:8000")).headers["x-application"]).toBe("a");
      // Two namespaces may have one host each for itself.
      expect((await mesh.get("client", "own.test:8000")).headers["x-application"]).toBe("a");
      expect((await mesh.get("stranger", "own.test:8000")).headers["x-application"]).toBe("b");
    },
  );

  proves(
    "ServiceEntry",
    ["location=MESH_INTERNAL", "location=MESH_EXTERNAL", "endpoints[].serviceAccount"],
    "inside of the mesh an endpoint with an account is reached by mutual TLS, outside none is",
    async () => {
      expect((await mesh.get("client", "inside.test:8000")).headers["x-application"]).toBe(
        "secure",
      );
      expect((await mesh.get("client", "unknown.test:8000")).status).toBe(503);
      expect((await mesh.get("client", "outside.test:8000")).status).toBe(503);
    },
  );

  proves(
    "ServiceEntry",
    ["subjectAltNames"],
    "names that endpoints may prove besides their own",
    async () => {
      expect((await mesh.get("client", "named.test:8000")).headers["x-application"]).toBe("secure");
      expect((await mesh.get("client", "misnamed.test:8000")).status).toBe(503);
    },
  );
});
