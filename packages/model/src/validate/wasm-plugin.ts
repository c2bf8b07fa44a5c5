/** Rules of WasmPlugin and TrafficExtension that their schemas cannot say. */
import type { TrafficExtension } from "../kinds/traffic-extension.ts";
import type { TrafficSelector, WasmModule, WasmPlugin } from "../kinds/wasm-plugin.ts";
import { checkPolicyTarget } from "./policy-target.ts";
import type { Report } from "./report.ts";
import { urlScheme } from "./url.ts";

export function checkWasmPlugin(spec: WasmPlugin, report: Report): void {
  checkPolicyTarget(spec, report);
  checkModule(spec, "spec", report);
  checkTrafficSelectors(spec.match, report);
}

export function checkTrafficExtension(spec: TrafficExtension, report: Report): void {
  checkPolicyTarget(spec, report);
  const { wasm, lua, match } = spec;
  if ((wasm === undefined) === (lua === undefined)) {
    report({
      code: wasm ? "HDL0022" : "HDL0023",
      path: "spec",
      message: "exactly one of wasm and lua must be set",
      remedy: wasm ? "Keep one of them." : "Add one of them.",
    });
  }
  if (wasm) checkModule(wasm, "spec.wasm", report);
  checkTrafficSelectors(match, report);
}

const SCHEMES: ReadonlySet<string | undefined> = new Set(["", "http", "https", "file", "oci"]);

function checkModule(module: WasmModule, path: string, report: Report): void {
  const { url, vmConfig } = module;
  // An image may be named without a scheme, `registry.example/name:tag`.
  const scheme = urlScheme(url) ?? (urlScheme(`http://${url}`) === undefined ? undefined : "");
  if (!SCHEMES.has(scheme)) {
    report({
      code: "HDL0036",
      path: `${path}.url`,
      message:
        scheme === undefined
          ? `"${url}" is not a URL of scheme http, https, file or oci`
          : `url has the scheme ${scheme}, which is not one of http, https, file and oci`,
      remedy: "Write it like oci://registry.example/module:tag or https://example.com/module.wasm.",
    });
  }
  const names = new Set<string>();
  for (const [index, { name, valueFrom = "INLINE", value }] of (vmConfig?.env ?? []).entries()) {
    const at = `${path}.vmConfig.env[${index}]`;
    if (names.has(name)) {
      const message = `variable ${name} stands twice`;
      report({ code: "HDL0029", path: `${at}.name`, message });
    }
    names.add(name);
    if (valueFrom === "HOST" && value !== undefined) {
      report({
        code: "HDL0022",
        path: `${at}.value`,
        message: "value may be set only when valueFrom is INLINE",
        remedy: "Leave value out: HOST takes the proxy's own variable.",
      });
    }
  }
}

function checkTrafficSelectors(
  selectors: readonly TrafficSelector[] | undefined,
  report: Report,
): void {
  for (const [index, { ports = [] }] of (selectors ?? []).entries()) {
    const seen = new Set<number>();
    for (const [position, { number }] of ports.entries()) {
      if (seen.has(number)) {
        report({
          code: "HDL0029",
          path: `spec.match[${index}].ports[${position}]`,
          message: `port ${number} stands twice`,
        });
      }
      seen.add(number);
    }
  }
}
