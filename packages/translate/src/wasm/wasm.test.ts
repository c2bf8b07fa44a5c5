/** Where plugins go in filter chains, whom they are for, and what stands in for a module that cannot be had. */
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { objectKey, type WasmPlugin } from "@heddle/model";
import { expect, test } from "vitest";
import {
  authorizationPolicy,
  meshSettings,
  object,
  pod,
  service,
} from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode, type ProxyView, wasmModuleKey } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";

const OBJECTS = [
  pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } }),
  ...service(
    "web",
    [
      { name: "http", port: 80, targetPort: 8080 },
      { name: "tcp", port: 5432 },
    ],
    ["10.0.0.1"],
    { clusterIP: "10.1.0.1" },
  ),
];

const SIDECAR = parseNode({
  id: "sidecar~10.0.0.1~web.default~default.svc.cluster.local",
  metadata: { LABELS: { app: "web" } },
});
const OTHER = parseNode({ id: "sidecar~10.0.0.2~x.default~default.svc.cluster.local" });

function plugin(name: string, spec: Partial<WasmPlugin> = {}, namespace = "default") {
  return object<WasmPlugin>(
    "extensions.istio.io/v1alpha1",
    "WasmPlugin",
    name,
    { url: "file:///m.wasm", ...spec },
    namespace,
  );
}

function started(...plugins: readonly ReturnType<typeof plugin>[]) {
  const translator = createTranslator({ mesh: ANY_MESH });
  translator.apply(
    [...OBJECTS, ...plugins].map((each) => ({ key: objectKey(each), object: each })),
  );
  for (const each of plugins)
    translator.setWasmModule(wasmModuleKey(each), { state: "ready", bytes: "AGFzbQ==" });
  return translator;
}

const chainOf = (view: ProxyView, listener: string, name?: string) =>
  (view.named("listener", listener) as Listener).filterChains?.find(
    (each) => each.name === name,
  ) as FilterChain;
const manager = (chain: FilterChain) =>
  chain.filters?.find(({ name }) => name?.endsWith("http_connection_manager"))
    ?.typedConfig as HttpConnectionManager;
const short = (name = "") => name.split(/[./]/).at(-1);
const names = (chain: FilterChain) =>
  manager(chain).httpFilters?.map(({ name = "" }) =>
    name.startsWith("extensions.istio.io") ? name.split(".").at(-1) : short(name),
  );
const inbound = (view: ProxyView) => names(chainOf(view, "virtualInbound", "8080-plain"));
const outbound = (view: ProxyView) => names(chainOf(view, "0.0.0.0_80"));

test("phases have their places, priorities their order", () => {
  const view = started(
    plugin("last"),
    plugin("stats", { phase: "STATS" }),
    plugin("low", { phase: "AUTHZ" }),
    plugin("high", { phase: "AUTHZ", priority: 9 }),
    plugin("root", { phase: "AUTHZ", priority: 10 }, "istio-system"),
    plugin("first", { phase: "AUTHN" }),
  ).view(SIDECAR);
  expect(inbound(view)).toEqual([
    ...["peer_metadata", "first", "root", "high", "low", "stats", "last", "router"],
  ]);
});

test("phases stand around what policies become, as in Istio: servers are asked before them, and judged is after", () => {
  const policy = (action: "CUSTOM" | "DENY") =>
    authorizationPolicy(action.toLowerCase(), {
      action,
      ...(action === "CUSTOM" ? { provider: { name: "auth" } } : {}),
      rules: [{}],
    });
  const auth = { service: "web.default.svc.cluster.local", port: 80 };
  const settings = meshSettings({
    extensionProviders: [{ name: "auth", envoyExtAuthzGrpc: auth }],
  });
  const network = { type: "NETWORK" } as const;
  const translator = started(
    plugin("authn", { phase: "AUTHN" }),
    plugin("authz", { phase: "AUTHZ" }),
    plugin("last"),
    plugin("n-authn", { ...network, phase: "AUTHN" }),
    plugin("n-last", network),
  );
  const objects = [settings, policy("CUSTOM"), policy("DENY")];
  translator.apply(objects.map((each) => ({ key: objectKey(each), object: each })));
  const view = translator.view(SIDECAR);
  expect(inbound(view)).toEqual([
    ...["peer_metadata", "rbac", "ext_authz", "authn", "authz", "rbac", "last", "router"],
  ]);
  const { filters = [] } = chainOf(view, "virtualInbound", "5432-plain");
  expect(filters.map(({ name = "" }) => short(name))).toEqual([
    ...["rbac", "ext_authz", "n-authn", "rbac", "n-last", "tcp_proxy"],
  ]);
});

test("a plugin is for the side and the ports that it names", () => {
  const has = (match: NonNullable<WasmPlugin["match"]>) => {
    const view = started(plugin("p", { match })).view(SIDECAR);
    return [inbound(view)?.includes("p"), outbound(view)?.includes("p")];
  };
  expect(has([])).toEqual([true, true]);
  expect(has([{ mode: "CLIENT" }])).toEqual([false, true]);
  expect(has([{ mode: "SERVER" }])).toEqual([true, false]);
  expect(has([{ ports: [{ number: 8080 }] }])).toEqual([true, false]);
  expect(has([{ ports: [{ number: 80 }, { number: 8080 }] }])).toEqual([true, true]);
  expect(has([{ mode: "CLIENT", ports: [{ number: 8080 }] }, { mode: "SERVER" }])).toEqual([
    true,
    false,
  ]);
});

test("network plugins stand before the filter that carries the connection, of HTTP too", () => {
  const view = started(plugin("n", { type: "NETWORK" })).view(SIDECAR);
  for (const name of ["5432-plain", "8080-plain"]) {
    const [first] = chainOf(view, "virtualInbound", name).filters ?? [];
    expect(first?.name).toBe("extensions.istio.io/wasmplugin/default.n");
  }
  expect(inbound(view)).not.toContain("n");
  expect(chainOf(view, "virtualInbound", "virtualInbound-blackhole").filters).toHaveLength(1);
});

test("whom a plugin does not choose shares everything", () => {
  const translator = started(plugin("p", { selector: { matchLabels: { app: "web" } } }));
  const own = translator.view(SIDECAR);
  const other = translator.view(OTHER);
  expect(own.resources("extension").size).toBe(1);
  expect(other.resources("extension").size).toBe(0);
  expect(outbound(other)).not.toContain("p");
  const key = "extensions.istio.io/WasmPlugin/default/p";
  expect(own.origins("extension", "extensions.istio.io/wasmplugin/default.p")).toEqual([key]);
  expect(own.origins("listener", "virtualInbound")).toContain(key);
  expect(other.origins("listener", "0.0.0.0_80")).not.toContain(key);
});

test("the module comes with its configuration and environment", () => {
  const own = plugin("p", {
    pluginName: "root",
    pluginConfig: { a: 1 },
    failStrategy: "FAIL_OPEN",
    vmConfig: {
      env: [
        { name: "A", value: "1" },
        { name: "B", valueFrom: "HOST" },
      ],
    },
  });
  const view = started(own).view(SIDECAR);
  expect([...view.resources("extension").values()]).toMatchObject([
    {
      name: "extensions.istio.io/wasmplugin/default.p",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        config: {
          rootId: "root",
          failurePolicy: "FAIL_OPEN",
          configuration: { value: '{"a":1}' },
          vmConfig: {
            code: { local: { inlineBytes: "AGFzbQ==" } },
            environmentVariables: { keyValues: { A: "1" }, hostEnvKeys: ["B"] },
          },
        },
      },
    },
  ]);
});

test("while the module is on its way there is no configuration; one that cannot be had is no hole", () => {
  const translator = started();
  const view = translator.view(SIDECAR);
  const type = (spec: Partial<WasmPlugin>) => {
    const own = plugin("p", spec);
    translator.apply([{ key: objectKey(own), object: own }]);
    const [config] = [...view.resources("extension").values()] as {
      typedConfig: { "@type": string };
    }[];
    return config && short(config.typedConfig["@type"]);
  };
  expect(type({})).toBeUndefined();
  expect(inbound(view)).toContain("p");
  translator.setWasmModule(wasmModuleKey(plugin("p")), { state: "failed" });
  expect(type({})).toBe("HTTPFault");
  expect(type({ failStrategy: "FAIL_OPEN" })).toBe("RBAC");
  expect(type({ type: "NETWORK" })).toBe("RBAC");
});
