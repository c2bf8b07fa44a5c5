/** A Proxy-Wasm module of tests: sets `x-wasm` on requests and responses to the configuration that it was given. */
import createWabt from "wabt";

/** `close` closes each new connection: for network filters. `text` is the header's value without a configuration. */
export interface ModuleOptions {
  readonly text?: string;
  /** What it answers to its start; 0 refuses. */
  readonly starts?: boolean;
  /** Imports that Envoy does not have. */
  readonly imports?: string;
  /** Without it no proxy would know what the module speaks. */
  readonly abi?: boolean;
  /** What it writes down without a configuration, in the place of `text`: its variables as `A=1;B=2;`, or its root's id. */
  readonly tells?: "environment" | "root id";
  /** It comes to grief in every second request. */
  readonly breaks?: boolean;
}

/** Its variables, with a semicolon after each, as WASI gives them with a zero. */
const TELLS_ENVIRONMENT = `
  (drop (call $environ_sizes (i32.const 1032) (i32.const 1036)))
  (drop (call $environ (i32.const 2048) (i32.const 3000)))
  (global.set $text (i32.const 3000))
  (global.set $length (i32.load (i32.const 1036)))
  (local.set $at (i32.const 3000))
  (block $done (loop $next
    (br_if $done (i32.ge_u (local.get $at) (i32.add (i32.const 3000) (global.get $length))))
    (if (i32.eqz (i32.load8_u (local.get $at))) (then (i32.store8 (local.get $at) (i32.const 59))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $next)))`;
const TELLS_ROOT_ID = `
  (drop (call $property (i32.const 16) (i32.const 14) (i32.const 1024) (i32.const 1028)))
  (global.set $text (i32.load (i32.const 1024)))
  (global.set $length (i32.load (i32.const 1028)))`;
const BREAKS = `
  (global.set $requests (i32.add (global.get $requests) (i32.const 1)))
  (if (i32.eq (global.get $requests) (i32.const 2)) (then (unreachable)))`;

/** ABI 0.2.1, by hand: memory is given out upwards and never taken back. */
export async function wasmModule(options: ModuleOptions = {}): Promise<Uint8Array> {
  const { text = "plain", starts = true, imports = "", abi = true, tells, breaks } = options;
  const telling =
    tells === "environment" ? TELLS_ENVIRONMENT : tells === "root id" ? TELLS_ROOT_ID : "";
  const wabt = await createWabt();
  const parsed = wabt.parseWat(
    "module.wat",
    `(module
      ${imports}
      (import "env" "proxy_add_header_map_value"
        (func $add (param i32 i32 i32 i32 i32) (result i32)))
      (import "env" "proxy_get_buffer_bytes"
        (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
      (import "env" "proxy_get_property"
        (func $property (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_sizes_get"
        (func $environ_sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_get"
        (func $environ (param i32 i32) (result i32)))
      (memory (export "memory") 2)
      (global $requests (mut i32) (i32.const 0))
      (global $heap (mut i32) (i32.const 4096))
      (global $text (mut i32) (i32.const 64))
      (global $length (mut i32) (i32.const ${text.length}))
      (data (i32.const 0) "x-wasm")
      (data (i32.const 16) "plugin_root_id")
      (data (i32.const 64) "${text}")
      ${abi ? '(func (export "proxy_abi_version_0_2_1"))' : ""}
      (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $heap))
        (global.set $heap (i32.add (global.get $heap) (local.get $size)))
        (local.get $at))
      (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const ${starts ? 1 : 0}))
      (func (export "proxy_on_configure") (param i32) (param $size i32) (result i32)
        (local $at i32)
        ${telling}
        (if (local.get $size)
          (then
            (drop (call $buffer (i32.const 7) (i32.const 0) (local.get $size) (i32.const 1024) (i32.const 1028)))
            (global.set $text (i32.load (i32.const 1024)))
            (global.set $length (i32.load (i32.const 1028)))))
        (i32.const 1))
      (func (export "proxy_on_context_create") (param i32 i32))
      (func $mark (param $map i32)
        (drop (call $add (local.get $map) (i32.const 0) (i32.const 6) (global.get $text) (global.get $length))))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        ${breaks ? BREAKS : ""}
        (call $mark (i32.const 0)) (i32.const 0))
      (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
        (call $mark (i32.const 2)) (i32.const 0))
      (func (export "proxy_on_new_connection") (param i32) (result i32) (i32.const 0))
      (func (export "proxy_on_done") (param i32) (result i32) (i32.const 1))
      (func (export "proxy_on_log") (param i32))
      (func (export "proxy_on_delete") (param i32)))`,
  );
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return buffer;
}
