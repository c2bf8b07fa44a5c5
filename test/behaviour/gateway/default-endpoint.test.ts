/** What no rule of a gateway takes goes to an application beside it, where a server names one; and what servers are called. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createServer as createConnectionServer, type Server as ConnectionServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { greeting } from "../../harness/bytes.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.99.0.1";
const port = (number: number, protocol = "HTTP") => ({ number, name: `p-${number}`, protocol });

describe.skipIf(!envoyBinary)("servers of a Gateway", async () => {
  const folder = await mkdtemp(join(tmpdir(), "heddle-default-endpoint-"));
  const socket = join(folder, "application.sock");
  const http: Server = createServer((request, response) =>
    response.end(`beside, ${request.headers.host}`),
  );
  const bytes: ConnectionServer = createConnectionServer((client) =>
    client.on("error", () => undefined).end("beside, in bytes"),
  );
  // The port is known before the mesh is made of it.
  await new Promise<void>((resolve) => bytes.listen(0, "127.0.0.1", resolve));
  const bytesPort = (bytes.address() as { port: number }).port;
  beforeAll(() => new Promise<void>((resolve) => http.listen(socket, resolve)));
  afterAll(async () => {
    http.closeAllConnections();
    await Promise.all([http, bytes].map((each) => new Promise((resolve) => each.close(resolve))));
    await rm(folder, { recursive: true, force: true });
  });

  const mesh = startedMesh({
    workloads: { edge: { address: EDGE, type: "router", labels: { app: "edge" } } },
    objects: [
      gateway("main", {
        selector: { app: "edge" },
        servers: [
          {
            port: port(8080),
            hosts: ["*.shop.test"],
            defaultEndpoint: `unix://${socket}`,
            name: "storefront",
          },
          { port: { ...port(8080), name: "none" }, hosts: ["none.test"] },
          { port: port(8081), hosts: ["*"] },
          { port: port(9000, "TCP"), hosts: ["*"], defaultEndpoint: `127.0.0.1:${bytesPort}` },
          { port: port(9001, "TCP"), hosts: ["*"] },
        ],
      }),
      virtualService("ruled", {
        hosts: ["ruled.shop.test", "none.test"],
        gateways: ["main"],
        http: [{ match: [{ uri: { prefix: "/ruled" } }], directResponse: { status: 299 } }],
      }),
    ],
  });

  proves(
    "Gateway",
    ["servers[].defaultEndpoint"],
    "hand what no rule takes to an application beside the gateway",
    async () => {
      const says = async (host: string, path: string) => {
        const { status, body } = await ask(EDGE, 8080, host, path);
        return body || status;
      };
      expect(await says("ruled.shop.test", "/ruled")).toBe(299);
      expect(await says("ruled.shop.test", "/else")).toBe("beside, ruled.shop.test");
      expect(await says("other.shop.test", "/")).toBe("beside, other.shop.test");
      expect(await says("none.test", "/ruled")).toBe(299);
      expect(await says("none.test", "/else")).toBe(404);
      expect((await greeting(EDGE, 9000)).text).toBe("beside, in bytes");
      await expect(greeting(EDGE, 9001)).rejects.toThrow("ECONNREFUSED");
    },
  );

  proves("Gateway", ["servers[].name"], "are counted under the name that they have", async () => {
    await ask(EDGE, 8080, "named.shop.test", "/");
    await ask(EDGE, 8081, "unnamed.test", "/");
    const counted = await mesh.envoy("edge").admin("/stats?filter=downstream_rq_total");
    expect(counted).toMatch(/^http\.outbound_storefront_.*8080\.downstream_rq_total: [1-9]/m);
    expect(counted).toMatch(/^http\.outbound_127\.99\.0\.1_8081\.downstream_rq_total: [1-9]/m);
  });
});
