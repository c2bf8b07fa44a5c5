/** Addresses that listeners bind. */
import type { Address } from "@heddle/envoy/config/core/v3";

export const ANY_ADDRESS = "0.0.0.0";

export function socketAddress(address: string, portValue: number): Address {
  return { socketAddress: { address, portValue } };
}
