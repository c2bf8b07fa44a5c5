/** Rules for hosts that no service has. */
import { describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { connectThrough } from "../../harness/intercepted.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { service, sidecar, virtualService } from "../../harness/objects.ts";

const CLIENT = "127.171.0.1";
const SHOP = "127.171.0.2";
const HTTP = [
  { name: "http", port: 80, targetPort: 9080 },
  { name: "http-other", port: 8080, targetPort: 9080 },
];
const to = { destination: { host: "shop", port: { number: 80 } } };

describe.skipIf(!envoyBinary)("a VirtualService for a host that no service has", () => {
  const mesh = startedMesh({
    settings: { outboundTrafficPolicy: "REGISTRY_ONLY" },
    workloads: {
      client: { address: CLIENT },
      captured: { address: "127.171.0.3", interception: "REDIRECT" },
      narrow: { address: "127.171.0.4", namespace: "narrow" },
      shop: { address: SHOP, ports: [9080] },
    },
    objects: [
      ...service("shop", HTTP, [SHOP], { clusterIP: "10.71.0.1" }),
      virtualService("shop", {
        hosts: ["shop.example.com", "*.shop.example.com"],
        http: [
          { match: [{ uri: { prefix: "/old" } }], rewrite: { uri: "/new" }, route: [to] },
          { match: [{ uri: { exact: "/closed" } }], directResponse: { status: 299 } },
          { route: [to] },
        ],
      }),
      // Beside a service the rule speaks on that service's ports too.
      virtualService("beside", { hosts: ["beside.example.com", "shop"], http: [{ route: [to] }] }),
      virtualService("strangers", {
        hosts: ["mine.example.com"],
        exportTo: ["elsewhere"],
        http: [{ route: [to] }],
      }),
      virtualService(
        "narrow",
        {
          hosts: ["listed.example.com"],
          http: [
            {
              route: [
                { destination: { host: "shop.default.svc.cluster.local", port: { number: 80 } } },
              ],
            },
          ],
        },
        "narrow",
      ),
      sidecar("narrow", { egress: [{ hosts: ["./listed.example.com"] }] }, "narrow"),
    ],
  });

  const get = (authority: string, path = "/") => mesh.get("client", authority, path);

  test("leads its requests where the rule says", async () => {
    expect((await get("shop.example.com", "/old/x")).echo()).toMatchObject({
      name: "shop",
      url: "/new/x",
    });
    expect((await get("shop.example.com:80", "/any")).echo().name).toBe("shop");
    expect((await get("any.shop.example.com")).echo().name).toBe("shop");
    expect((await get("shop.example.com", "/closed")).status).toBe(299);
  });

  test("leaves all other hosts alone", async () => {
    expect((await get("other.example.com")).status).toBe(502);
    expect((await get("shop.example.com:9999")).status).toBe(502);
  });

  test("speaks on the ports of services that the rule names beside it", async () => {
    expect((await get("beside.example.com:8080")).echo().name).toBe("shop");
    expect((await get("shop.example.com:8080")).status).toBe(502);
  });

  test("is for those that see the rule", async () => {
    expect((await get("mine.example.com")).status).toBe(502);
  });

  test("counts for a client whose Sidecar lists the host, with what the rule leads to", async () => {
    const from = (authority: string) => mesh.get("narrow", authority);
    expect((await from("listed.example.com")).echo().name).toBe("shop");
    expect((await from("shop.example.com")).status).toBe(502);
  });

  test("counts where connections are intercepted, whatever address they were for", async () => {
    const socket = await connectThrough("127.171.0.3", { to: "10.99.9.9:80" });
    socket.write("GET /closed HTTP/1.1\r\nhost: shop.example.com\r\nconnection: close\r\n\r\n");
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(text).toContain("HTTP/1.1 299");
  });
});
