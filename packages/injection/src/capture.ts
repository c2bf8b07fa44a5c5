/**
 * What iptables leads to a pod's proxy: read from the pod's annotations, and written as tables that `iptables-restore` takes.
 * Traffic of the proxy itself, known by its user, goes out as it is.
 */
import { isIpAddress } from "@heddle/model";
import { INBOUND_CAPTURE_PORT, OUTBOUND_CAPTURE_PORT } from "@heddle/translate";
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

type Family = "v4" | "v6";

const LOOPBACK: Readonly<Record<Family, string>> = { v4: "127.0.0.1/32", v6: "::1/128" };
/** Where the proxy connects to its own application from: see the translation's inbound passthrough. */
const INBOUND_SOURCE: Readonly<Record<Family, string>> = { v4: "127.0.0.6/32", v6: "::6/128" };

const IN = "HEDDLE_INBOUND";
const TO_IN = "HEDDLE_IN_REDIRECT";
const OUT = "HEDDLE_OUTPUT";
const TO_OUT = "HEDDLE_REDIRECT";

/** The nat table of one family, ending in a line break. Ports of the proxy itself are among those that are excluded. */
export function natTable(capture: Capture, family: Family, ownPorts: readonly number[]): string {
  const ofFamily = (range: string) => range.includes(":") === (family === "v6");
  const rules = [
    ...capture.excludeInterfaces.flatMap((name) => [
      `-A PREROUTING -i ${name} -j RETURN`,
      `-A OUTPUT -o ${name} -j RETURN`,
    ]),
    ...capture.virtualInterfaces.map((name) => `-A PREROUTING -i ${name} -p tcp -j ${TO_OUT}`),
    `-A ${TO_OUT} -p tcp -j REDIRECT --to-ports ${OUTBOUND_CAPTURE_PORT}`,
    `-A ${TO_IN} -p tcp -j REDIRECT --to-ports ${INBOUND_CAPTURE_PORT}`,
    ...inboundRules(capture, ownPorts),
    `-A OUTPUT -p tcp -j ${OUT}`,
    ...capture.excludeOutboundPorts.map((port) => `-A ${OUT} -p tcp --dport ${port} -j RETURN`),
    // The proxy to its own application, which it knows by the address that the client asked for.
    `-A ${OUT} -s ${INBOUND_SOURCE[family]} -o lo -j RETURN`,
    // The application to itself by the address of its pod, through the proxy: it comes in as from anybody.
    `-A ${OUT} ! -d ${LOOPBACK[family]} -o lo -p tcp -m owner --uid-owner ${PROXY_ID} -j ${TO_IN}`,
    // The application to itself.
    `-A ${OUT} -o lo -m owner ! --uid-owner ${PROXY_ID} -j RETURN`,
    // The proxy to anybody.
    `-A ${OUT} -m owner --uid-owner ${PROXY_ID} -j RETURN`,
    `-A ${OUT} -m owner --gid-owner ${PROXY_ID} -j RETURN`,
    `-A ${OUT} -d ${LOOPBACK[family]} -j RETURN`,
    ...capture.excludeOutboundRanges
      .filter(ofFamily)
      .map((range) => `-A ${OUT} -d ${range} -j RETURN`),
    ...capture.includeOutboundPorts.map((port) => `-A ${OUT} -p tcp --dport ${port} -j ${TO_OUT}`),
    ...(capture.includeOutboundRanges === "*"
      ? [`-A ${OUT} -j ${TO_OUT}`]
      : capture.includeOutboundRanges
          .filter(ofFamily)
          .map((range) => `-A ${OUT} -d ${range} -j ${TO_OUT}`)),
  ];
  const chains = [IN, TO_IN, OUT, TO_OUT].map((name) => `:${name} - [0:0]`);
  return ["*nat", ...chains, ...rules, "COMMIT", ""].join("\n");
}

function inboundRules(
  { includeInboundPorts, excludeInboundPorts }: Capture,
  ownPorts: readonly number[],
): readonly string[] {
  if (includeInboundPorts !== "*") {
    if (includeInboundPorts.length === 0) return [];
    return [
      `-A PREROUTING -p tcp -j ${IN}`,
      ...includeInboundPorts.map((port) => `-A ${IN} -p tcp --dport ${port} -j ${TO_IN}`),
    ];
  }
  const left = [...new Set([...ownPorts, ...excludeInboundPorts])];
  return [
    `-A PREROUTING -p tcp -j ${IN}`,
    ...left.map((port) => `-A ${IN} -p tcp --dport ${port} -j RETURN`),
    `-A ${IN} -p tcp -j ${TO_IN}`,
  ];
}
