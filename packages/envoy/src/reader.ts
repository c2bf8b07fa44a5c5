/** Reads protobuf's wire format; every read checks that it stays inside the message. */
import { ValueError } from "./value-error.ts";

/** Nested deeper than this a message is refused, as protobuf's own parsers do: the stack is not the sender's to fill. */
export const MAX_DEPTH = 100;

export class Reader {
  private readonly buffer: Uint8Array;
  private readonly view: DataView;
  private position: number;
  private end: number;
  depth = 0;

  constructor(buffer: Uint8Array) {
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    this.position = 0;
    this.end = buffer.length;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** The low 32 bits of a varint. */
  varint(): number {
    let result = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) return malformed("it ends inside a number");
      const byte = this.buffer[this.position++]!;
      if (shift < 32) result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    return malformed("a number is longer than ten bytes");
  }

  varint64(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.position >= this.end) return malformed("it ends inside a number");
      const byte = this.buffer[this.position++]!;
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, result);
    }
    return malformed("a number is longer than ten bytes");
  }

  fixed32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  fixed64(): bigint {
    return this.view.getBigUint64(this.advance(8), true);
  }

  float(): number {
    return this.view.getFloat32(this.advance(4), true);
  }

  double(): number {
    return this.view.getFloat64(this.advance(8), true);
  }

  /** A view of the bytes, not a copy. */
  bytes(): Uint8Array {
    const length = this.varint();
    const start = this.advance(length);
    return this.buffer.subarray(start, start + length);
  }

  string(): string {
    return utf8.decode(this.bytes());
  }

  /** Runs `read` over the length-delimited field that begins here, which it must use up. */
  nested<T>(read: () => T): T {
    const length = this.varint();
    const start = this.advance(length);
    const outer = this.end;
    if (++this.depth > MAX_DEPTH) malformed(`it is nested more than ${MAX_DEPTH} deep`);
    this.position = start;
    this.end = start + length;
    const result = read();
    this.depth--;
    this.position = this.end;
    this.end = outer;
    return result;
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.advance(8);
    else if (wireType === 2) this.advance(this.varint());
    else if (wireType === 5) this.advance(4);
    else malformed(`wire type ${wireType} is not in use`);
  }

  private advance(count: number): number {
    const start = this.position;
    if (start + count > this.end) return malformed("it ends inside a field");
    this.position = start + count;
    return start;
  }
}

/** HDL3006 with what is wrong with the bytes. */
export function malformed(problem: string): never {
  throw new ValueError(
    "HDL3006",
    `the bytes are no such message: ${problem}`,
    "check the sender and the type",
  );
}

const utf8 = new TextDecoder();
