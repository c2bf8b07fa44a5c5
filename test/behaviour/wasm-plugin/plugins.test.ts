/** What WasmPlugins do to requests, with a module of a few hundred bytes that marks what passes it. */
import type { MeshObject, WasmPlugin } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, object, service, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { wasmModule } from "../../harness/wasm-module.ts";
import { proves } from "../proves.ts";

const EDGE = "127.132.0.9";

function plugin(
  name: string,
  { url = "file:///mark.wasm", ...spec }: Partial<WasmPlugin>,
): MeshObject<WasmPlugin> {
  return object("extensions.istio.io/v1alpha1", "WasmPlugin", name, { url, ...spec });
}

const only = (app: string) => ({ selector: { matchLabels: { app } } });
/** The module writes its configuration down as it is, which JSON puts in quotes. */
const said = (text: string) => ({ pluginConfig: { text } });

const PLUGINS = [
  plugin("authz", { ...only("phases"), phase: "AUTHZ", ...said("authz") }),
  plugin("stats", { ...only("phases"), phase: "STATS", ...said("stats") }),
  plugin("unspecified", { ...only("phases"), ...said("unspecified") }),
  plugin("authn", { ...only("phases"), phase: "AUTHN", ...said("authn") }),
  plugin("high", { ...only("phases"), phase: "AUTHZ", priority: 9, ...said("high") }),
  plugin("server", { ...only("sides"), match: [{ mode: "SERVER" }], ...said("server") }),
  plugin("client", { ...only("sides"), match: [{ mode: "CLIENT" }], ...said("client") }),
  plugin("both", {
    ...only("both"),
    match: [{ mode: "CLIENT_AND_SERVER", ports: [{ number: 9081 }] }],
    ...said("both"),
  }),
  plugin("closed", { ...only("closed"), url: "https://away/", failStrategy: "FAIL_CLOSE" }),
  plugin("open", { ...only("open"), url: "https://away/", failStrategy: "FAIL_OPEN" }),
  plugin("tcp", { ...only("tcp"), url: "https://away/", type: "NETWORK" }),
  plugin("http", { ...only("http"), type: "HTTP" }),
  plugin("edge", {
    targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }],
    ...said("edge"),
  }),
  plugin("older", {
    targetRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" },
    ...said("older"),
  }),
  plugin("elsewhere", {
    targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "other" }],
    ...said("elsewhere"),
  }),
];

const APPS = ["phases", "sides", "both", "closed", "open", "tcp", "http"] as const;
const address = (app: (typeof APPS)[number]) => `127.132.0.${APPS.indexOf(app) + 11}`;

describe.skipIf(!envoyBinary)("WasmPlugin", () => {
  const workload = (app: (typeof APPS)[number]) => ({ address: address(app), ports: [9080, 9081] });
  const mesh = startedMesh({
    fetched: async () => ({
      modules: {
        "file:///mark.wasm": await wasmModule(),
      },
    }),
    workloads: {
      phases: workload("phases"),
      sides: workload("sides"),
      both: workload("both"),
      closed: workload("closed"),
      open: workload("open"),
      tcp: workload("tcp"),
      http: workload("http"),
      edge: {
        type: "router",
        address: EDGE,
        labels: { app: "edge", "gateway.networking.k8s.io/gateway-name": "edge" },
      },
    },
    objects: [
      ...APPS.flatMap((app) =>
        service(
          app,
          [
            { name: "http", port: 9080 },
            { name: "http-more", port: 9081 },
          ],
          [address(app)],
        ),
      ),
      gateway("gw", {
        selector: { app: "edge" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("edge", {
        hosts: ["*"],
        gateways: ["gw"],
        http: [{ route: [{ destination: { host: "http", port: { number: 9080 } } }] }],
      }),
      ...PLUGINS,
    ],
  });
  const direct = (app: (typeof APPS)[number], port = 9080) =>
    ask(address(app), port, `${app}:${port}`, "/");
  /** What the plugins on a request's way said, in order. */
  const words = (text: string | undefined) =>
    [...(text ?? "").matchAll(/"text":"(\w+)"/g)].map(([, word]) => word);
  const seen = async (answer: ReturnType<typeof direct>) =>
    words((await answer).echo().headers["x-wasm"]);

  proves(
    "WasmPlugin",
    [
      "phase={UNSPECIFIED_PHASE,AUTHN,AUTHZ,STATS}",
      "priority",
      "selector.matchLabels",
      "url",
      "pluginConfig",
    ],
    "plugins run in the order of their phases and priorities, with their configuration, where they are asked for",
    async () => {
      expect(await seen(direct("phases"))).toEqual([
        ...["authn", "high", "authz", "stats", "unspecified"],
      ]);
      expect(await seen(direct("http"))).toEqual([]);
    },
  );

  proves(
    "WasmPlugin",
    ["match[].mode={CLIENT,SERVER}"],
    "a plugin is for requests that arrive, or for those that leave",
    async () => {
      expect(await seen(direct("sides"))).toEqual(["server"]);
      expect(await seen(mesh.get("sides", "http:9080"))).toEqual(["client"]);
    },
  );

  proves(
    "WasmPlugin",
    ["match[].mode=CLIENT_AND_SERVER", "match[].ports[].number"],
    "a plugin is for the ports that it names",
    async () => {
      expect(await seen(direct("both"))).toEqual([]);
      expect(await seen(direct("both", 9081))).toEqual(["both"]);
    },
  );

  proves(
    "WasmPlugin",
    ["failStrategy={FAIL_CLOSE,FAIL_OPEN}"],
    "without its module a plugin refuses requests, or lets them pass if it is told to",
    async () => {
      expect((await direct("closed")).status).toBe(503);
      expect((await direct("open")).status).toBe(200);
    },
  );

  proves(
    "WasmPlugin",
    ["type={HTTP,NETWORK}"],
    "a plugin of connections closes them without its module, one of requests answers",
    async () => {
      await expect(direct("tcp")).rejects.toThrow(/ECONNRESET|hang up/);
      expect((await direct("http")).headers["x-wasm"]).toBe("plain");
    },
  );

  proves(
    "WasmPlugin",
    ["targetRefs[].{group,kind,name}", "targetRef.{group,kind,name}"],
    "a target chooses the proxies of the Gateway that it names",
    async () => {
      const own = await seen(ask(EDGE, 8080, "any", "/"));
      expect(own.toSorted()).toEqual(["edge", "older"]);
    },
  );
});
