/** Addresses that listeners bind, in the families that a proxy has. */
import type { Address } from "@heddle/envoy/config/core/v3";
import type { AdditionalAddress } from "@heddle/envoy/config/listener/v3";
import { isIpv6 } from "@heddle/model";

/** What a proxy's own addresses are of: one of the two, or both, the first one being IPv4. */
export type Families = "v4" | "v6" | "both";

const UNIX = "unix://";

export const ANY_ADDRESS = "0.0.0.0";
const ANY_ADDRESS_V6 = "::";

export function familiesOf(addresses: readonly string[]): Families {
  const v6 = addresses.some(isIpv6);
  return v6 ? (addresses.every(isIpv6) ? "v6" : "both") : "v4";
}

/** Whether a proxy can be sent to an address by its own workload. */
export function isReachable(address: string, families: Families): boolean {
  return families === "both" || (families === "v6") === isIpv6(address);
}

/** An IP address with its port, or `unix:///PATH`. */
export function socketAddress(address: string, portValue: number): Address {
  if (address.startsWith(UNIX)) return { pipe: { path: address.slice(UNIX.length) } };
  return { socketAddress: { address, portValue } };
}

/** The parts of a listener by which it is every address of a port, in all of the proxy's families. */
export function anyAddress(
  families: Families,
  port: number,
): { readonly address: Address; readonly additionalAddresses?: readonly AdditionalAddress[] } {
  if (families === "v6") return { address: socketAddress(ANY_ADDRESS_V6, port) };
  const address = socketAddress(ANY_ADDRESS, port);
  if (families === "v4") return { address };
  return { address, additionalAddresses: [{ address: socketAddress(ANY_ADDRESS_V6, port) }] };
}

/** What the name of a listener for every address of a port begins with. */
export function anyName(families: Families): string {
  return families === "v6" ? `[${ANY_ADDRESS_V6}]` : ANY_ADDRESS;
}
