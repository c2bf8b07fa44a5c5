/** Addresses and subnets as users write them, in Envoy's form: `10.0.0.1`, `10.0.0.0/8`, `fd00::/64`. */
import type { CidrRange } from "@heddle/envoy/config/core/v3";

/** With the bits behind the prefix taken off, so that two ways to write one subnet come out equal. */
export function subnetOf(text: string): CidrRange {
  const [address = "", length] = text.split("/");
  const wide = address.includes(":");
  const bits = wide ? 128 : 32;
  const prefixLen = length === undefined ? bits : Number(length);
  const whole = wide ? wideNumber(address) : narrowNumber(address);
  const kept = BigInt(bits - prefixLen);
  return { addressPrefix: (wide ? wideText : narrowText)((whole >> kept) << kept), prefixLen };
}

function narrowNumber(address: string): bigint {
  return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function narrowText(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join(".");
}

function wideNumber(address: string): bigint {
  const [head = "", tail] = address.split("::");
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const gap =
    tail === undefined ? [] : new Array<bigint>(8 - before.length - after.length).fill(0n);
  return [...before, ...gap, ...after].reduce((sum, group) => (sum << 16n) | group, 0n);
}

/** The last 32 bits may be written as an IPv4 address. */
function groupsOf(text: string): bigint[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [BigInt(`0x${group}`)];
    const value = narrowNumber(group);
    return [value >> 16n, value & 0xffffn];
  });
}

function wideText(value: bigint): string {
  return Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  ).join(":");
}
