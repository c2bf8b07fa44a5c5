/** DER, as far as requests and leaves need it: written and read by hand, since a library for all of ASN.1 takes ten times as long. */

/** Tags: universal ones, and those that depend on their place. */
export const TAG = {
  ...{ boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06 },
  ...{ utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30 },
} as const;

type Bytes = Uint8Array<ArrayBuffer>;

/** One element: its tag, and what it is made of. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const length =
    size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  if (size > 0xffff) throw new RangeError(`An element of ${size} bytes.`);
  const bytes = new Uint8Array(1 + length.length + size);
  bytes.set([tag, ...length]);
  let offset = 1 + length.length;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

export const sequence = (...parts: readonly Uint8Array[]) => der(TAG.sequence, ...parts);

/** An unsigned integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Bytes {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const value = bytes.subarray(start);
  return der(TAG.integer, ...((value[0] ?? 0) >= 0x80 ? [new Uint8Array(1)] : []), value);
}

/** Of whole bytes. */
export const bitString = (bytes: Uint8Array) => der(TAG.bitString, new Uint8Array(1), bytes);

export const ascii = (text: string): Bytes => new TextEncoder().encode(text);

export const bytesOfHex = (hex: string): Bytes =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** An object identifier from its dotted form. */
export function oid(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(TAG.oid, Uint8Array.from(bytes));
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280, section 4.1.2.5), in whole seconds. */
export function time(date: Date): Bytes {
  const text = `${date.toISOString().slice(0, 19).replaceAll(/[-T:]/g, "")}Z`;
  const isShort = date.getUTCFullYear() < 2050;
  return der(isShort ? TAG.utcTime : TAG.generalizedTime, ascii(isShort ? text.slice(2) : text));
}

export interface Element {
  readonly tag: number;
  readonly content: Bytes;
  /** With tag and length. */
  readonly whole: Bytes;
}

/** The elements that follow each other in some bytes. Throws a `RangeError` for what is not DER. */
export function elements(bytes: Bytes = new Uint8Array()): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const [tag = 0, first = 0] = bytes.subarray(at, at + 2);
    const more = first < 0x80 ? 0 : first & 0x7f;
    const digits = bytes.subarray(at + 2, at + 2 + more);
    const size = more === 0 ? first : digits.reduce((sum, digit) => sum * 256 + digit, 0);
    const start = at + 2 + more;
    const isDefinite = first !== 0x80 && more <= 4 && (tag & 0x1f) !== 0x1f;
    if (!isDefinite || at + 1 >= bytes.length || start + size > bytes.length)
      throw new RangeError("The DER is cut off, or none.");
    found.push({
      tag,
      content: bytes.subarray(start, start + size),
      whole: bytes.subarray(at, start + size),
    });
    at = start + size;
  }
  return found;
}

/** The content of the one element that there is, of this tag. Throws a `RangeError` otherwise. */
export function only(tag: number, bytes: Bytes): Bytes {
  const [one, ...more] = elements(bytes);
  if (one?.tag !== tag || more.length > 0) throw new RangeError(`No element of tag ${tag}.`);
  return one.content;
}

/** Whether an element is this object identifier. */
export const isOid = (element: Element | undefined, encoded: Uint8Array) =>
  element !== undefined && equalBytes(element.whole, encoded);

export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
