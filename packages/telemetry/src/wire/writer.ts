/** Writes the protobuf wire format into one growing buffer; default values are left out, as proto3 has it. */

import { wireBytes, wireFixed64, wireVarint } from "./reader.ts";

const encoder = new TextEncoder();

export class WireWriter {
  private bytes = new Uint8Array(1024);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** A view of what was written, valid until the next write. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  uint(field: number, value: number): void {
    if (value === 0) return;
    this.raw(field * 8 + wireVarint);
    this.raw(value);
  }

  bool(field: number, value: boolean): void {
    if (value) this.uint(field, 1);
  }

  /** A signed 64-bit integer, written even if it is 0 where `always` is set (a member of a oneof). */
  int64(field: number, value: bigint, always = false): void {
    if (value === 0n && !always) return;
    this.raw(field * 8 + wireVarint);
    let rest = BigInt.asUintN(64, value);
    this.reserve(10);
    while (rest > 0x7fn) {
      this.bytes[this.length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.length++] = Number(rest);
  }

  sint32(field: number, value: number): void {
    if (value !== 0) this.uint(field, value > 0 ? value * 2 : -value * 2 - 1);
  }

  fixed64(field: number, value: bigint, always = false): void {
    if (value === 0n && !always) return;
    this.raw(field * 8 + wireFixed64);
    this.reserve(8);
    this.view.setBigUint64(this.length, BigInt.asUintN(64, value), true);
    this.length += 8;
  }

  double(field: number, value: number, always = false): void {
    if (value === 0 && !always) return;
    this.raw(field * 8 + wireFixed64);
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  text(field: number, value: string, always = false): void {
    if (value === "" && !always) return;
    this.raw(field * 8 + wireBytes);
    const start = this.length;
    // Together with what `raw` reserves for the length: growing the buffer keeps only what stands before `length`.
    this.reserve(value.length * 3 + 10);
    const lengthBytes = value.length < 43 ? 1 : 5;
    const written = encoder.encodeInto(value, this.bytes.subarray(start + lengthBytes)).written;
    this.raw(written);
    if (this.length !== start + lengthBytes)
      this.bytes.copyWithin(this.length, start + lengthBytes, start + lengthBytes + written);
    this.length += written;
  }

  bytesValue(field: number, value: Uint8Array, always = false): void {
    if (value.length === 0 && !always) return;
    this.raw(field * 8 + wireBytes);
    this.raw(value.length);
    this.reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  /** Hexadecimal digits as bytes. */
  hex(field: number, digits: string): void {
    if (digits === "") return;
    const value = new Uint8Array(digits.length / 2);
    for (let index = 0; index < value.length; index++)
      value[index] = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16);
    this.bytesValue(field, value);
  }

  /** A nested message, also when it is empty. */
  message(field: number, write: () => void): void {
    this.raw(field * 8 + wireBytes);
    this.reserve(1);
    const start = ++this.length;
    write();
    const size = this.length - start;
    if (size < 0x80) {
      this.bytes[start - 1] = size;
      return;
    }
    let extra = 0;
    for (let rest = Math.floor(size / 128); rest > 0; rest = Math.floor(rest / 128)) extra++;
    this.reserve(extra);
    this.bytes.copyWithin(start + extra, start, start + size);
    this.length = start - 1;
    this.raw(size);
    this.length += size;
  }

  packedFixed64(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.raw(field * 8 + wireBytes);
    this.raw(values.length * 8);
    this.reserve(values.length * 8);
    for (const value of values) {
      this.view.setBigUint64(this.length, BigInt(value), true);
      this.length += 8;
    }
  }

  packedDouble(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.raw(field * 8 + wireBytes);
    this.raw(values.length * 8);
    this.reserve(values.length * 8);
    for (const value of values) {
      this.view.setFloat64(this.length, value, true);
      this.length += 8;
    }
  }

  packedVarint(field: number, values: readonly number[]): void {
    if (values.length === 0) return;
    this.message(field, () => {
      for (const value of values) this.raw(value);
    });
  }

  /** A bare varint. */
  private raw(value: number): void {
    this.reserve(10);
    while (value > 0x7f) {
      this.bytes[this.length++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    this.bytes[this.length++] = value;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
