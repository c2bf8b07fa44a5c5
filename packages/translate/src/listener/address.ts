/** Addresses that listeners bind, in the families that a proxy has. */
import type { Address } from "@heddle/envoy/config/core/v3";
import type { AdditionalAddress } from "@heddle/envoy/config/listener/v3";
import type { Families } from "../families.ts";

const UNIX = "unix://";
export const ANY_ADDRESS = "0.0.0.0";
export const ANY_ADDRESS_V6 = "::";

/** An IP address with its port, or `unix:///PATH`. */
export function socketAddress(address: string, portValue: number): Address {
  if (address.startsWith(UNIX)) return { pipe: { path: address.slice(UNIX.length) } };
  return { socketAddress: { address, portValue } };
}

/** The same for an edge, where every address of IPv6 stands for those of IPv4 too. */
export function edgeAddress(address: string, portValue: number): Address {
  if (address !== ANY_ADDRESS_V6) return socketAddress(address, portValue);
  return { socketAddress: { address, portValue, ipv4Compat: true } };
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
