/** Whether bytes are the module that was asked for, and one that Envoy can run: it would say nothing, or refuse it later. */
import { hash } from "node:crypto";
import { ModuleError } from "./module-error.ts";

const CHECKSUM_REMEDY =
  "Compare sha256 with the module that is published; if it was changed on purpose, set the new checksum.";
const MODULE_REMEDY = "Build the module with a Proxy-Wasm SDK, for wasm32-wasi or wasm32-unknown.";

/** Modules that Envoy links against; what a module imports from elsewhere is not there. */
const HOST_MODULES: ReadonlySet<string> = new Set([
  "env",
  "wasi_unstable",
  "wasi_snapshot_preview1",
]);

export function sha256Of(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

/** Throws HDL7221. `found` are the checksums that the download has: as it came, and unpacked. */
export function verifyChecksum(wanted: string, found: readonly string[]): void {
  if (wanted === "" || found.includes(wanted.toLowerCase())) return;
  throw new ModuleError(
    "HDL7221",
    `the module has the checksum ${found.at(-1)}, not ${wanted.toLowerCase()}`,
    CHECKSUM_REMEDY,
  );
}

/** Throws HDL7222. */
export async function verifyModule(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  let module: WebAssembly.Module;
  try {
    module = await WebAssembly.compile(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ModuleError("HDL7222", `it is no WebAssembly module: ${reason}`, MODULE_REMEDY);
  }
  const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
  if (!exported.some((name) => name.startsWith("proxy_abi_version_0_"))) {
    throw new ModuleError(
      "HDL7222",
      "the module does not speak Proxy-Wasm: it exports no proxy_abi_version",
      MODULE_REMEDY,
    );
  }
  const stranger = WebAssembly.Module.imports(module).find(
    (each) => !HOST_MODULES.has(each.module),
  );
  if (stranger) {
    throw new ModuleError(
      "HDL7222",
      `the module imports ${stranger.name} from ${stranger.module}, which Envoy does not have`,
      MODULE_REMEDY,
    );
  }
}
