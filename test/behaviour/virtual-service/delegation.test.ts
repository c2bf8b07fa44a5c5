/** Rules that leave part of their paths to rules of other teams. */
import { describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, service, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const SHOP = "127.170.0.2";
const CART = "127.170.0.3";
const EDGE = "127.170.0.4";
const under = (prefix: string) => ({ match: [{ uri: { prefix } }] });
const at = (path: string) => ({ match: [{ uri: { exact: path } }] });
const answer = (status: number) => ({ directResponse: { status } });

describe.skipIf(!envoyBinary)("delegation of a VirtualService", () => {
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.170.0.1" },
      edge: { address: EDGE, type: "router", labels: { istio: "ingressgateway" } },
      shop: { address: SHOP, ports: [PORT] },
      cart: { address: CART, namespace: "team", ports: [PORT] },
    },
    objects: [
      ...service("shop", [{ name: "http", port: PORT }], [SHOP]),
      ...service("cart", [{ name: "http", port: PORT }], [CART], { namespace: "team" }),
      gateway("edge", {
        selector: { istio: "ingressgateway" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("shop", {
        hosts: ["shop", "shop.example.com"],
        gateways: ["mesh", "edge"],
        http: [
          {
            ...under("/cart"),
            name: "root",
            delegate: { name: "cart", namespace: "team" },
            headers: { response: { set: { "x-said-by": "root" } } },
            timeout: "150ms",
          },
          { ...under("/own"), delegate: { name: "own" } },
          { ...under("/missing"), delegate: { name: "nobody" } },
          { ...under("/hidden"), delegate: { name: "hidden", namespace: "team" } },
          { ...under("/ruled"), delegate: { name: "ruled" } },
          {
            match: [
              { uri: { prefix: "/both" }, headers: { "x-a": { exact: "1" } } },
              { uri: { prefix: "/either" }, method: { exact: "PUT" } },
            ],
            delegate: { name: "both" },
          },
          { route: [{ destination: { host: "shop" } }] },
        ],
      }),
      virtualService(
        "cart",
        {
          exportTo: ["default"],
          http: [
            {
              ...at("/cart/said"),
              headers: { response: { set: { "x-said-by": "delegate" } } },
              route: [{ destination: { host: "cart" } }],
            },
            // Outside of what the root leaves to it.
            { ...under("/elsewhere"), ...answer(299) },
            { ...at("/cart/closed"), ...answer(298) },
            ...[{ ...at("/cart/patient"), timeout: "5s" }, at("/cart/hurried")].map((route) => ({
              ...route,
              rewrite: { uri: "/slow/400" },
              route: [{ destination: { host: "cart" } }],
            })),
            { route: [{ destination: { host: "cart" } }] },
          ],
        },
        "team",
      ),
      virtualService("own", { http: [answer(297)] }),
      virtualService("hidden", { exportTo: ["."], http: [answer(296)] }, "team"),
      virtualService("ruled", { hosts: ["ruled.example.com"], http: [answer(295)] }),
      virtualService("both", {
        http: [
          { match: [{ headers: { "x-b": { exact: "1" } } }], ...answer(294) },
          { match: [{ uri: { prefix: "/both/more" } }], ...answer(293) },
        ],
      }),
    ],
  });

  const get = (path: string, asking = {}) => mesh.get("client", `shop:${PORT}`, path, asking);
  const status = async (path: string, asking = {}) => (await get(path, asking)).status;
  const name = async (path: string) => (await get(path)).echo().name;

  proves(
    "VirtualService",
    ["http[].delegate.{name,namespace}"],
    "leaves what a route matches to a rule of another namespace, which names its own services",
    async () => {
      expect(await name("/cart/any")).toBe("cart");
      expect(await name("/any")).toBe("shop");
      expect(await status("/cart/closed")).toBe(298);
      expect(await status("/own/any")).toBe(297);
    },
  );

  test("gives a delegate's route what it does not say itself", async () => {
    expect((await get("/cart/any")).headers["x-said-by"]).toBe("root");
    expect((await get("/cart/said")).headers["x-said-by"]).toBe("delegate");
    expect(await status("/cart/hurried")).toBe(504);
    expect(await status("/cart/patient")).toBe(200);
  });

  test("takes nothing of a delegate that is outside of what is left to it", async () => {
    expect(await status("/elsewhere")).toBe(200);
    expect(await name("/elsewhere")).toBe("shop");
  });

  test("goes on to the next route where the delegate is missing, not exported, or a rule itself", async () => {
    for (const path of ["/missing", "/hidden", "/ruled"])
      expect(await name(path), path).toBe("shop");
  });

  test("matches what both of the rules match", async () => {
    const a = { "x-a": "1" };
    const b = { "x-b": "1" };
    expect(await status("/both", { headers: { ...a, ...b } })).toBe(294);
    expect(await status("/both", { headers: a })).toBe(200);
    expect(await status("/both", { headers: b })).toBe(200);
    expect(await status("/either", { method: "PUT", headers: b })).toBe(294);
    expect(await status("/either", { headers: b })).toBe(200);
    expect(await status("/both/more", { headers: a })).toBe(293);
    // Only the first of the root's matches has the prefix.
    expect(await status("/both/more", { method: "PUT" })).toBe(200);
  });

  test("delegates behind a gateway as in the mesh", async () => {
    const edge = async (path: string) => ask(EDGE, 8080, "shop.example.com", path);
    expect((await edge("/cart/any")).echo().name).toBe("cart");
    expect((await edge("/own")).status).toBe(297);
    expect((await edge("/any")).echo().name).toBe("shop");
  });
});
