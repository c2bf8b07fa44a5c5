/** How far an IP address reaches: the Internet, somebody's own network, or nothing that keys are fetched from. */
import { BlockList, isIPv4 } from "node:net";

/**
 * `public`: anybody's on the Internet. `private`: inside of a network, where services of a cluster are too. `local`: the machine
 * itself, its link, what a cloud tells its machines alone, and what is no single address.
 */
export type Reach = "public" | "private" | "local";

const LOCAL = ranges([
  "0.0.0.0/8",
  "127.0.0.0/8",
  // Clouds tell a machine its credentials at 169.254.169.254.
  "169.254.0.0/16",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "::/96",
  "fe80::/10",
  "ff00::/8",
  // The same of clouds that have it elsewhere: Azure, Alibaba, Oracle, AWS and Google.
  "168.63.129.16/32",
  "100.100.100.200/32",
  "192.0.0.192/32",
  "fd00:ec2::254/128",
  "fd20:ce::254/128",
]);

/** Of IPv4, from IANA's registry of special purposes. */
const PRIVATE_V4 = ranges([
  "10.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
]);

/** Of IPv6 only these reach the Internet… */
const GLOBAL_V6 = ranges(["2000::/3"]);
/** …and of them not these: protocols, documentation, and IPv4 addresses in tunnels. */
const PRIVATE_V6 = ranges(["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]);

/** IPv4 addresses as IPv6 networks translate them (RFC 6052): they reach as far as what they stand for. */
const TRANSLATED = ranges(["64:ff9b::/96"]);
const MAPPED = ranges(["::ffff:0:0/96"]);

/** `address` is an IP address, of whatever spelling. */
export function reachOf(address: string): Reach {
  const hidden = hiddenIpv4(address);
  if (hidden !== undefined) return reachOf(hidden);
  if (within(LOCAL, address)) return "local";
  if (isIPv4(address)) return within(PRIVATE_V4, address) ? "private" : "public";
  return within(GLOBAL_V6, address) && !within(PRIVATE_V6, address) ? "public" : "private";
}

/** The IPv4 address that an IPv6 address stands for; undefined for any other. */
function hiddenIpv4(address: string): string | undefined {
  if (isIPv4(address)) return undefined;
  // A scope is no part of the address.
  const [plain = ""] = address.split("%");
  const canonical = new URL(`http://[${plain}]/`).hostname.slice(1, -1);
  if (!within(TRANSLATED, canonical) && !within(MAPPED, canonical)) return undefined;
  const groups = canonical.split(/:+/);
  const [high = 0, low = 0] = canonical.endsWith("::")
    ? [0, 0]
    : groups.slice(-2).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

function within(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

function ranges(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) addRange(list, subnet);
  return list;
}

/** `base/bits`, or an address alone. Throws for what is neither. */
export function addRange(list: BlockList, subnet: string): void {
  const [base = "", bits] = subnet.split("/");
  const family = isIPv4(base) ? "ipv4" : "ipv6";
  if (bits === undefined) list.addAddress(base, family);
  else list.addSubnet(base, Number(bits), family);
}
