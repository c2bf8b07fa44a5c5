/** The configuration of a plugin as Envoy takes it: the module, or what stands in for one that cannot be had. */
import type { TypedExtensionConfig } from "@heddle/envoy/config/core/v3";
import type { HTTPFault } from "@heddle/envoy/extensions/filters/http/fault/v3";
import type { RBAC as HttpRbac } from "@heddle/envoy/extensions/filters/http/rbac/v3";
import type { Wasm } from "@heddle/envoy/extensions/filters/http/wasm/v3";
import type { RBAC as NetworkRbac } from "@heddle/envoy/extensions/filters/network/rbac/v3";
import type { PluginConfig, VmConfig } from "@heddle/envoy/extensions/wasm/v3";
import type { MeshObject, WasmPlugin } from "@heddle/model";
import { recordPatched } from "../patch/origins.ts";
import { derivation } from "../read.ts";
import { typedConfig } from "../typed-config.ts";
import { wasmModuleKey } from "./module.ts";

const HTTP_WASM = "envoy.extensions.filters.http.wasm.v3.Wasm";
const HTTP_FAULT = "envoy.extensions.filters.http.fault.v3.HTTPFault";
const HTTP_RBAC = "envoy.extensions.filters.http.rbac.v3.RBAC";
const NETWORK_WASM = "envoy.extensions.filters.network.wasm.v3.Wasm";
const NETWORK_RBAC = "envoy.extensions.filters.network.rbac.v3.RBAC";

/** Types that the configuration may have; a filter that waits for it names them. */
export const HTTP_TYPES = [HTTP_WASM, HTTP_FAULT, HTTP_RBAC].map(url);
export const NETWORK_TYPES = [NETWORK_WASM, NETWORK_RBAC].map(url);

/** Istio's name for it, so that its users find it. */
export function extensionName({ namespace, name }: { namespace: string; name: string }): string {
  return `extensions.istio.io/wasmplugin/${namespace}.${name}`;
}

/**
 * By the plugin's key. Undefined while the module is on its way: proxies then wait with the listener that needs it, and go on
 * with the one that they have.
 */
export const wasmExtension = derivation<string, TypedExtensionConfig | undefined>(
  "wasm/extension",
  (key) => key,
  (read, key) => {
    const plugin = read.object<WasmPlugin>(key);
    const module = plugin && read.wasmModule(wasmModuleKey(plugin));
    if (plugin === undefined || module === undefined) return undefined;
    const name = extensionName(plugin.metadata);
    const network = plugin.spec.type === "NETWORK";
    const config =
      module.state === "ready"
        ? typedConfig<Wasm>(network ? NETWORK_WASM : HTTP_WASM, {
            config: pluginConfig(name, plugin, module.bytes),
          })
        : standIn(network, plugin.spec.failStrategy === "FAIL_OPEN");
    const extension = { name, typedConfig: config };
    recordPatched(extension, [key]);
    return extension;
  },
);

/**
 * A module that cannot be had must not be a hole: requests fail with 503, as with a module that fails in Envoy, and connections
 * are closed. FAIL_OPEN asks for the opposite.
 */
function standIn(network: boolean, open: boolean) {
  if (network) {
    const config: NetworkRbac = { statPrefix: "wasm_missing_", ...(open ? {} : { rules: {} }) };
    return typedConfig<NetworkRbac>(NETWORK_RBAC, config);
  }
  if (open) return typedConfig<HttpRbac>(HTTP_RBAC, {});
  return typedConfig<HTTPFault>(HTTP_FAULT, {
    abort: { httpStatus: 503, percentage: { numerator: 100 } },
  });
}

function pluginConfig(
  name: string,
  { spec }: MeshObject<WasmPlugin>,
  inlineBytes: string,
): PluginConfig {
  const { pluginName = "", pluginConfig: settings, failStrategy = "FAIL_CLOSE", vmConfig } = spec;
  return {
    name,
    rootId: pluginName,
    failurePolicy: FAILURE_POLICY[failStrategy],
    vmConfig: {
      // A machine of its own: what a plugin keeps or breaks is not another one's.
      vmId: name,
      runtime: "envoy.wasm.runtime.v8",
      code: { local: { inlineBytes } },
      ...environmentOf(vmConfig?.env ?? []),
    },
    ...(settings === undefined
      ? {}
      : {
          configuration: typedConfig("google.protobuf.StringValue", {
            value: JSON.stringify(settings),
          }),
        }),
  };
}

const FAILURE_POLICY = {
  FAIL_CLOSE: "FAIL_CLOSED",
  FAIL_OPEN: "FAIL_OPEN",
  FAIL_RELOAD: "FAIL_RELOAD",
} as const;

function environmentOf(
  env: NonNullable<NonNullable<WasmPlugin["vmConfig"]>["env"]>,
): Pick<VmConfig, "environmentVariables"> {
  if (env.length === 0) return {};
  const fromHost = env.filter(({ valueFrom }) => valueFrom === "HOST").map(({ name }) => name);
  const inline = env.filter(({ valueFrom }) => valueFrom !== "HOST");
  return {
    environmentVariables: {
      ...(fromHost.length > 0 ? { hostEnvKeys: fromHost } : {}),
      ...(inline.length > 0
        ? { keyValues: Object.fromEntries(inline.map(({ name, value = "" }) => [name, value])) }
        : {}),
    },
  };
}

function url(type: string): string {
  return `type.googleapis.com/${type}`;
}
