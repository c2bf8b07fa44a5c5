/** Takes a module out of what it may be wrapped in: gzip, a tar archive, or both. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { ModuleError } from "./module-error.ts";

/** Larger ones than anybody has; an archive may claim any size. Bytes. */
export const MAX_MODULE_BYTES = 64 * 1024 * 1024;

const WASM_MAGIC = Buffer.from([0x00, 0x61, 0x73, 0x6d]);
const unzip = promisify(gunzip);
const BLOCK = 512;

/** The module's own bytes. Throws HDL7222 where there is none inside. */
export async function unpackModule(download: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await unzipped(Buffer.from(download));
  if (bytes.subarray(0, 4).equals(WASM_MAGIC)) return Uint8Array.from(bytes);
  const files = [...filesOf(bytes)];
  const file = files.find(({ name }) => name.endsWith(".wasm")) ?? files[0];
  if (file) return Uint8Array.from(await unzipped(file.content));
  throw new ModuleError(
    "HDL7222",
    "what was fetched is neither a WebAssembly module nor an archive that holds one",
    "Check the URL: it may lead to a page about the module instead of the module.",
  );
}

async function unzipped(bytes: Buffer): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await unzip(bytes, { maxOutputLength: MAX_MODULE_BYTES });
  } catch (error) {
    throw new ModuleError(
      "HDL7222",
      `what was fetched cannot be unpacked: ${String(error)}`,
      "Publish the module again, as .wasm, .wasm.gz or .tar.gz.",
    );
  }
}

/** Regular files of a tar archive (POSIX ustar); none for anything else. */
function* filesOf(archive: Buffer): Generator<{ name: string; content: Buffer }> {
  for (let at = 0; at + BLOCK <= archive.length;) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.subarray(257, 262).toString("latin1") !== "ustar") return;
    const size = Number.parseInt(header.subarray(124, 136).toString("latin1"), 8);
    if (!Number.isInteger(size) || size < 0 || at + BLOCK + size > archive.length) return;
    const type = header[156];
    const name = header.subarray(0, 100).toString("utf8").split("\0")[0] ?? "";
    if (type === 0x30 || type === 0) {
      yield { name, content: archive.subarray(at + BLOCK, at + BLOCK + size) };
    }
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}
