/** Addresses that listeners bind. */
import type { Address } from "@heddle/envoy/config/core/v3";

const UNIX = "unix://";

export const ANY_ADDRESS = "0.0.0.0";

/** An IP address with its port, or `unix:///PATH`. */
export function socketAddress(address: string, portValue: number): Address {
  if (address.startsWith(UNIX)) return { pipe: { path: address.slice(UNIX.length) } };
  return { socketAddress: { address, portValue } };
}
