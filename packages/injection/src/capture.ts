/**
 * What of a pod's traffic is led to its proxy, as the pod's annotations say. Traffic of the proxy itself, known by its user, goes out
 * as it is.
 */
import { isIpAddress } from "@heddle/model";
import type { Report } from "./finding.ts";

/** The user and group that the proxy runs as; its connections are left alone. */
export const PROXY_ID = 1337;

/** `*` or a list. */
type AllOr<T> = "*" | readonly T[];

export interface Capture {
  readonly includeInboundPorts: AllOr<number>;
  readonly excludeInboundPorts: readonly number[];
  readonly includeOutboundRanges: AllOr<string>;
  readonly excludeOutboundRanges: readonly string[];
  readonly includeOutboundPorts: readonly number[];
  readonly excludeOutboundPorts: readonly number[];
  readonly excludeInterfaces: readonly string[];
  readonly virtualInterfaces: readonly string[];
}

const PREFIX = "traffic.sidecar.istio.io/";
/** As the kernel names interfaces: at most 15 characters (IFNAMSIZ). `+` at the end stands for any. */
const INTERFACE = /^[A-Za-z0-9_.:@-]{1,15}\+?$/;

/** What a pod's annotations say; of what is wrong in them the default counts, and an error is told. */
export function captureOf(annotations: Readonly<Record<string, string>>, report: Report): Capture {
  const list = <T>(
    name: string,
    item: (text: string) => T | undefined,
    wanted: string,
  ): readonly T[] | "*" | undefined => {
    const full = name.includes("/") ? name : PREFIX + name;
    const text = annotations[full];
    if (text === undefined) return undefined;
    if (text.trim() === "*") return "*";
    const parts = text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "");
    const items = parts.map((part) => ({ part, value: item(part) }));
    const wrong = items.filter(({ value }) => value === undefined).map(({ part }) => part);
    if (wrong.length > 0) {
      report({
        code: "HDL6003",
        level: "Error",
        path: "metadata.annotations",
        message: `${full}: ${wrong.join(", ")} ${wrong.length > 1 ? "are" : "is"} no ${wanted}`,
        remedy: `Give ${wanted}s, separated by commas.`,
      });
    }
    return items.flatMap(({ value }) => (value === undefined ? [] : [value]));
  };
  const some = <T>(...read: Parameters<typeof list<T>>): readonly T[] => {
    const found = list(...read);
    if (found !== "*") return found ?? [];
    report({
      code: "HDL6003",
      level: "Error",
      path: "metadata.annotations",
      message: `${PREFIX}${read[0]}: * stands for all, which cannot stand here`,
      remedy: "Give a list.",
    });
    return [];
  };
  return {
    includeInboundPorts: list("includeInboundPorts", portOf, "port") ?? "*",
    excludeInboundPorts: some("excludeInboundPorts", portOf, "port"),
    includeOutboundRanges: list("includeOutboundIPRanges", rangeOf, "IP range") ?? "*",
    excludeOutboundRanges: some("excludeOutboundIPRanges", rangeOf, "IP range"),
    includeOutboundPorts: some("includeOutboundPorts", portOf, "port"),
    excludeOutboundPorts: some("excludeOutboundPorts", portOf, "port"),
    excludeInterfaces: some("excludeInterfaces", interfaceOf, "network interface"),
    virtualInterfaces: [
      ...some("kubevirtInterfaces", interfaceOf, "network interface"),
      ...some("istio.io/reroute-virtual-interfaces", interfaceOf, "network interface"),
    ],
  };
}

function portOf(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port > 0 && port < 65_536 ? port : undefined;
}

/** `10.0.0.0/8`, or an address for itself alone. */
function rangeOf(text: string): string | undefined {
  const [address = "", bits, ...more] = text.split("/");
  const most = address.includes(":") ? 128 : 32;
  if (!isIpAddress(address) || more.length > 0) return undefined;
  if (bits === undefined) return `${address}/${most}`;
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? text : undefined;
}

function interfaceOf(text: string): string | undefined {
  return INTERFACE.test(text) ? text : undefined;
}
