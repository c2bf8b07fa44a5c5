/** A tar archive (POSIX ustar) of files with names of up to 255 bytes. */

const BLOCK = 512;
const NAME = 100;
const PREFIX = 155;

/** A file as it stands in an archive: header, content, and zeros up to the end of the block. `modified`: milliseconds since 1970. */
export function tarEntry(path: string, content: Buffer, modified: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const { prefix, name } = split(path);
  const octal = (value: number, at: number, length: number) =>
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
  header.write(name, 0, "utf8");
  octal(0o600, 100, 8);
  // Of nobody in particular: whoever unpacks it owns it.
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(content.length, 124, 12);
  octal(Math.floor(modified / 1000), 136, 12);
  header.write("        ", 148, "latin1");
  header.write("0", 156, "latin1");
  header.write("ustar\x0000", 257, "latin1");
  header.write(prefix, 345, "utf8");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const rest = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([header, content, rest]);
}

/** What an archive ends with. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** Throws a `RangeError` for a path that has no place to be cut at. */
function split(path: string): { readonly prefix: string; readonly name: string } {
  if (Buffer.byteLength(path) <= NAME) return { prefix: "", name: path };
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= PREFIX && Buffer.byteLength(name) <= NAME)
      return { prefix, name };
  }
  throw new RangeError(`${path} is too long for an archive`);
}
