/** Whom the agent may ask for keys: a URL that a user wrote must not open what only the agent can reach. */
import { BlockList, isIP, isIPv4 } from "node:net";
import { addRange, reachOf } from "./address-reach.ts";
import { JwksError } from "./jwks-error.ts";

/** What `--jwks-allow` names. */
export interface AllowedHosts {
  /** In lower case; their addresses may be private ones. */
  readonly hosts: ReadonlySet<string>;
  /** Any address in them may be asked, whatever it is. */
  readonly ranges: BlockList;
}

export interface Guard {
  /** Those of a host's addresses that may be connected to. Throws HDL7292 where there is none. */
  permitted(url: URL, addresses: readonly string[]): readonly string[];
}

export interface GuardOptions {
  readonly allowed: AllowedHosts;
  /** Whether the mesh knows a service of the cluster by this name, and it has the port. */
  readonly isService: (host: string, port: number) => boolean;
}

export function createGuard({ allowed, isService }: GuardOptions): Guard {
  return {
    permitted(url, addresses) {
      const host = hostOf(url);
      const insideMeant = allowed.hosts.has(host) || isService(host, portOf(url));
      const permitted = addresses.filter((address) => {
        if (allowed.ranges.check(address, isIPv4(address) ? "ipv4" : "ipv6")) return true;
        const reach = reachOf(address);
        return reach === "public" || (reach === "private" && insideMeant);
      });
      if (permitted.length > 0) return permitted;
      const named = isIP(host) ? host : `${host} (${addresses.join(", ")})`;
      throw new JwksError(
        "HDL7292",
        `keys are not fetched from ${named}: the address is an internal one`,
      );
    },
  };
}

/** Hosts, IP addresses and ranges in CIDR notation. Throws a `RangeError` that names what is none of them. */
export function parseAllowed(entries: readonly string[]): AllowedHosts {
  const hosts = new Set<string>();
  const ranges = new BlockList();
  for (const entry of entries) {
    const [base = ""] = entry.split("/");
    try {
      if (isIP(base)) addRange(ranges, entry);
      else if (HOST.test(entry)) hosts.add(entry.toLowerCase());
      else throw new RangeError();
    } catch (error) {
      throw new RangeError(`${JSON.stringify(entry)} is no host, address or range`, {
        cause: error,
      });
    }
  }
  return { hosts, ranges };
}

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

/** In lower case, without the brackets of an IPv6 address and the dot of an absolute name. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

export function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === "https:" ? 443 : 80);
}
