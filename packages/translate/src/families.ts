/** The address families that a proxy has: which addresses it can be reached on, and can reach. */
import { isIpv6 } from "@heddle/model";

export type Families = "v4" | "v6" | "both";

/** Of a proxy's own addresses; IPv4 where it names none. */
export function familiesOf(addresses: readonly string[]): Families {
  const v6 = addresses.some(isIpv6);
  return v6 ? (addresses.every(isIpv6) ? "v6" : "both") : "v4";
}

export function isReachable(address: string, families: Families): boolean {
  return families === "both" || (families === "v6") === isIpv6(address);
}
