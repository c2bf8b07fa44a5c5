/** Reads the protobuf wire format in one pass over the bytes, without a schema and without copies. */

import { CodecError } from "../codec-error.ts";

export const wireVarint = 0;
export const wireFixed64 = 1;
export const wireBytes = 2;
export const wireFixed32 = 5;

const decoder = new TextDecoder();
const hexByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** Longer text goes through TextDecoder, whose call costs more than a few characters by hand. */
const shortText = 48;

/**
 * A cursor over one message. `tag` answers 0 at the end of the message; after a tag, read the value or `skip` it. Malformed bytes throw
 * CodecError HDL5001.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  position: number;
  end: number;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.position = 0;
    this.end = bytes.length;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Field number times 8 plus wire type; 0 at the end. */
  tag(): number {
    if (this.position >= this.end) return 0;
    const tag = this.varint();
    if (tag < 8 || tag > 0xffff_ffff) throw this.malformed(`tag ${tag} names no field`);
    return tag;
  }

  /** An unsigned varint as a number; exact up to 2^53. */
  varint(): number {
    const bytes = this.bytes;
    let position = this.position;
    let byte = bytes[position++]!;
    let value = byte & 0x7f;
    let scale = 128;
    let length = 1;
    while (byte >= 0x80) {
      if (length++ >= 10) throw this.malformed("varint longer than 10 bytes");
      byte = bytes[position++]!;
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    if (position > this.end || byte === undefined) throw this.malformed("varint runs over the end");
    this.position = position;
    return value;
  }

  /** A signed 64-bit varint. */
  int64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.position++];
      if (byte === undefined || this.position > this.end)
        throw this.malformed("varint runs over the end");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw this.malformed("varint longer than 10 bytes");
  }

  /** A zigzag-encoded 32-bit integer. */
  sint32(): number {
    const raw = this.varint();
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  fixed64(): bigint {
    const at = this.take(8);
    return this.view.getBigUint64(at, true);
  }

  /** An unsigned fixed64 as a number: exact up to 2^53. */
  fixed64Number(): number {
    const at = this.take(8);
    return this.view.getUint32(at + 4, true) * 4294967296 + this.view.getUint32(at, true);
  }

  sfixed64(): bigint {
    const at = this.take(8);
    return this.view.getBigInt64(at, true);
  }

  double(): number {
    const at = this.take(8);
    return this.view.getFloat64(at, true);
  }

  bytesValue(): Uint8Array {
    const length = this.varint();
    const at = this.take(length);
    return this.bytes.subarray(at, at + length);
  }

  text(): string {
    const length = this.varint();
    const at = this.take(length);
    if (length > shortText) return decoder.decode(this.bytes.subarray(at, at + length));
    let text = "";
    for (let index = at; index < at + length; index++) {
      const code = this.bytes[index]!;
      if (code >= 0x80) return decoder.decode(this.bytes.subarray(at, at + length));
      text += String.fromCharCode(code);
    }
    return text;
  }

  /** Bytes as lower-case hexadecimal digits. */
  hex(): string {
    const length = this.varint();
    const at = this.take(length);
    let text = "";
    for (let index = at; index < at + length; index++) text += hexByte[this.bytes[index]!]!;
    return text;
  }

  /** Narrows the cursor to a nested message; give the answer to `leave` when done. */
  enter(): number {
    const length = this.varint();
    if (this.position + length > this.end)
      throw this.malformed(`message of ${length} bytes runs over the end`);
    const outer = this.end;
    this.end = this.position + length;
    return outer;
  }

  /** Goes on after the nested message, whatever of it was read. */
  leave(outer: number): void {
    this.position = this.end;
    this.end = outer;
  }

  skip(tag: number): void {
    const wire = tag & 7;
    if (wire === wireVarint) this.varint();
    else if (wire === wireFixed64) this.take(8);
    else if (wire === wireBytes) this.take(this.varint());
    else if (wire === wireFixed32) this.take(4);
    else throw this.malformed(`wire type ${wire} is not in use`);
  }

  private take(length: number): number {
    const at = this.position;
    if (at + length > this.end) throw this.malformed(`value of ${length} bytes runs over the end`);
    this.position = at + length;
    return at;
  }

  malformed(reason: string): CodecError {
    return new CodecError(
      "HDL5001",
      `the bytes are not the protobuf message expected here: ${reason}`,
      `byte ${this.position}`,
    );
  }
}
