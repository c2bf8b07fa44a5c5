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
}

/** ABI 0.2.1, by hand: memory is given out upwards and never taken back. */
export async function wasmModule(options: ModuleOptions = {}): Promise<Uint8Array> {
  const { text = "plain", starts = true, imports = "", abi = true } = options;
  const wabt = await createWabt();
  const parsed = wabt.parseWat(
    "module.wat",
    `(module
      ${imports}
      (import "env" "proxy_add_header_map_value"
        (func $add (param i32 i32 i32 i32 i32) (result i32)))
      (import "env" "proxy_get_buffer_bytes"
        (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 2)
      (global $heap (mut i32) (i32.const 4096))
      (global $text (mut i32) (i32.const 64))
      (global $length (mut i32) (i32.const ${text.length}))
      (data (i32.const 0) "x-wasm")
      (data (i32.const 64) "${text}")
      ${abi ? '(func (export "proxy_abi_version_0_2_1"))' : ""}
      (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
        (local $at i32)
        (local.set $at (global.get $heap))
        (global.set $heap (i32.add (global.get $heap) (local.get $size)))
        (local.get $at))
      (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const ${starts ? 1 : 0}))
      (func (export "proxy_on_configure") (param i32) (param $size i32) (result i32)
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
