/**
 * Writes protobuf's wire format from the end of a buffer towards its start, so that the length of a nested message is
 * known when its turn comes and nothing is measured or moved.
 */
export class ReverseWriter {
  /** Everything from `position` to the end has been written. */
  private buffer: Buffer<ArrayBuffer> = Buffer.alloc(64 * 1024);
  private view: DataView<ArrayBuffer> = viewOf(this.buffer);
  private position: number = this.buffer.length;

  /** Bytes written so far. */
  get length(): number {
    return this.buffer.length - this.position;
  }

  /** All bytes written, as a copy of exactly that size; the writer is empty again. */
  take(): Uint8Array {
    const bytes = this.last(this.length);
    this.position = this.buffer.length;
    return bytes;
  }

  /** A copy of what was written last. */
  last(size: number): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(size);
    this.buffer.copy(bytes, 0, this.position, this.position + size);
    return bytes;
  }

  varint(value: number): void {
    const size =
      value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
    this.room(size);
    let at = (this.position -= size);
    while (value >= 0x80) {
      this.buffer[at++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    this.buffer[at] = value;
  }

  /** A signed or unsigned 64-bit number, two's complement when negative. */
  varint64(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    const septets: number[] = [];
    do {
      septets.push(Number(rest & 0x7fn));
      rest >>= 7n;
    } while (rest > 0n);
    this.room(septets.length);
    this.position -= septets.length;
    for (let i = 0; i < septets.length; i++) {
      this.buffer[this.position + i] = septets[i]! | (i + 1 < septets.length ? 0x80 : 0);
    }
  }

  fixed32(value: number): void {
    this.room(4);
    this.view.setUint32((this.position -= 4), value, true);
  }

  fixed64(value: bigint): void {
    this.room(8);
    this.view.setBigUint64((this.position -= 8), BigInt.asUintN(64, value), true);
  }

  float(value: number): void {
    this.room(4);
    this.view.setFloat32((this.position -= 4), value, true);
  }

  double(value: number): void {
    this.room(8);
    this.view.setFloat64((this.position -= 8), value, true);
  }

  bytes(value: Uint8Array): void {
    this.room(value.length);
    this.buffer.set(value, (this.position -= value.length));
  }

  /** UTF-8 without its length. Most of Envoy's strings are short and ASCII, for which a loop is fastest. */
  string(value: string): void {
    const length = value.length;
    if (length > 64) return this.longString(value);
    this.room(length);
    const start = this.position - length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return this.longString(value);
      this.buffer[start + i] = code;
    }
    this.position = start;
  }

  private longString(value: string): void {
    const size = Buffer.byteLength(value);
    this.room(size);
    this.position -= size;
    this.buffer.write(value, this.position, size, "utf8");
  }

  private room(size: number): void {
    if (this.position >= size) return;
    const used = this.length;
    const larger = Buffer.alloc(Math.max(this.buffer.length * 2, used + size * 2));
    larger.set(this.buffer.subarray(this.position), larger.length - used);
    this.buffer = larger;
    this.view = viewOf(larger);
    this.position = larger.length - used;
  }
}

/** Writes a message's fields, without its length. */
export type MessageWriter = (writer: ReverseWriter, value: unknown) => void;

function viewOf(buffer: Buffer<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
