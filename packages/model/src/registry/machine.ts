/** Machines that register themselves: which addresses one may have, and what the entry is called that stands for it. */
import { isIpAddress } from "../validate/names.ts";

/** Istio's metadata of a node: the WorkloadGroup that the machine is of. */
export const REGISTER_GROUP = "AUTO_REGISTER_GROUP";

const OWN_LOOPBACK = "is every machine's own loopback";

/** `base/bits`, and what such an address is. */
const NOBODYS: readonly (readonly [subnet: string, what: string])[] = [
  ["0.0.0.0/8", "is no single address"],
  ["127.0.0.0/8", OWN_LOOPBACK],
  ["169.254.0.0/16", "is good on its own link alone"],
  ["224.0.0.0/4", "is of many at once"],
  ["240.0.0.0/4", "is reserved: the mesh gives such to hosts that have none"],
  ["::1/128", OWN_LOOPBACK],
  ["::/96", "is no address of one machine"],
  ["::ffff:0:0/96", "is an IPv4 address in IPv6's clothes: give it as such"],
  ["64:ff9b::/96", "is an IPv4 address in IPv6's clothes: give it as such"],
  ["2002::/16", "is an IPv4 address in IPv6's clothes: give it as such"],
  ["2001:2::/48", "is reserved: the mesh gives such to hosts that have none"],
  ["fe80::/10", "is good on its own link alone"],
  ["ff00::/8", "is of many at once"],
];

/** One spelling for each address; undefined for what is none. */
export function canonicalAddress(text: string): string | undefined {
  if (!isIpAddress(text)) return undefined;
  return text.includes(":") ? new URL(`http://[${text}]/`).hostname.slice(1, -1) : text;
}

/**
 * Why no machine of a mesh can be known by this address; undefined where one can. With `loopback` those of the loopback count
 * as any other: for whoever has machines, agent and clients on one host.
 */
export function unfitForMachine(
  address: string,
  { loopback = false }: { readonly loopback?: boolean } = {},
): string | undefined {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return "is no IP address";
  const [, what] = NOBODYS.find(([subnet]) => isWithin(canonical, subnet)) ?? [];
  return loopback && what === OWN_LOOPBACK ? undefined : what;
}

/**
 * As Istio calls the entry of a machine that registers itself: group, address and network. What Kubernetes takes in no name is a
 * dash; of a name that is too long the beginning is left out.
 */
export function registeredName(group: string, address: string, network = ""): string {
  const parts = [group, address.replaceAll(":", "-"), ...(network === "" ? [] : [network])];
  const name = parts
    .join("-")
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, "-");
  // An address may end in colons.
  const whole = /[a-z0-9]$/.test(name) ? name : `${name}0`;
  return whole.slice(-MAX_NAME).replace(/^[^a-z0-9]+/, "");
}

const MAX_NAME = 253;

function isWithin(address: string, subnet: string): boolean {
  const [base = "", bits = "0"] = subnet.split("/");
  if (address.includes(":") !== base.includes(":")) return false;
  return bitsOf(address).startsWith(bitsOf(base).slice(0, Number(bits)));
}

/** 32 or 128 of `0` and `1`; the address is canonical. */
function bitsOf(address: string): string {
  if (!address.includes(":"))
    return address
      .split(".")
      .map((part) => binary(Number(part), 8))
      .join("");
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const [first, last] = [groups(head), groups(tail ?? "")];
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  return [...first, ...Array<string>(zeros).fill("0"), ...last]
    .map((group) => binary(Number.parseInt(group, 16), 16))
    .join("");
}

function binary(value: number, width: number): string {
  return value.toString(2).padStart(width, "0");
}
