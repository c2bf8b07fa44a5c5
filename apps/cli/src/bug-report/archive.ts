/** The archive of a report: each file without secrets, all of them no larger than was asked for, and written as they come. */
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { PassThrough } from "node:stream";
import { createGzip } from "node:zlib";
import { withoutSecrets } from "./redact.ts";
import { TAR_END, tarEntry } from "./tar.ts";

/** Of one file, before it is packed; of what is longer the end stays, which is newest in a log. Bytes. */
const MAX_FILE = 16 * 1024 * 1024;

export interface Archive {
  /** False where there is no more room for it. */
  add(path: string, text: string): Promise<boolean>;
  /** Also where there is no more room: what is wrong with the report itself. */
  addLast(path: string, text: string): Promise<void>;
  /** Whole on disk when it resolves. */
  close(): Promise<void>;
  /** Given up: what is on disk is no archive. */
  destroy(): void;
}

/** `maxBytes`: of all files together, before they are packed. Rejects where the file cannot be written. */
export async function createArchive(
  file: string,
  folder: string,
  maxBytes: number,
): Promise<Archive> {
  const bytes = new PassThrough();
  // Only for whoever asked for it: it tells a lot about a cluster.
  const target = createWriteStream(file, { mode: 0o600, flags: "wx" });
  await new Promise<void>((resolve, reject) => {
    target.once("open", () => resolve());
    target.once("error", reject);
  });
  const written = pipeline(bytes, createGzip(), target);
  // Told by whoever writes next, or closes.
  written.catch(() => {});
  let left = maxBytes;
  const write = async (buffer: Buffer) => {
    if (bytes.write(buffer)) return;
    const drained = new Promise<void>((resolve) => bytes.once("drain", () => resolve()));
    await Promise.race([drained, written]);
  };
  const put = (path: string, content: Buffer) =>
    write(tarEntry(`${folder}/${path}`, content, Date.now()));
  return {
    async add(path, text) {
      const clean = Buffer.from(withoutSecrets(text));
      const content = clean.length > MAX_FILE ? endOf(clean) : clean;
      if (content.length > left) return false;
      left -= content.length;
      await put(path, content);
      return true;
    },
    addLast: (path, text) => put(path, Buffer.from(withoutSecrets(text))),
    async close() {
      bytes.end(TAR_END);
      await written;
    },
    destroy: () => void bytes.destroy(),
  };
}

function endOf(content: Buffer): Buffer {
  const note = `… ${content.length - MAX_FILE} bytes before this are left out …\n`;
  return Buffer.concat([Buffer.from(note), content.subarray(-MAX_FILE)]);
}
