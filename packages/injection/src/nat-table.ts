/** What is led to a pod's proxy, written as a table that `iptables-restore` takes. */
import { INBOUND_CAPTURE_PORT, OUTBOUND_CAPTURE_PORT } from "@heddle/translate";
import { type Capture, PROXY_ID } from "./capture.ts";
import { DNS_CHAIN, dnsRules } from "./dns-capture.ts";

type Family = "v4" | "v6";

const LOOPBACK: Readonly<Record<Family, string>> = { v4: "127.0.0.1/32", v6: "::1/128" };
/** Where the proxy connects to its own application from: see the translation's inbound passthrough. */
const INBOUND_SOURCE: Readonly<Record<Family, string>> = { v4: "127.0.0.6/32", v6: "::6/128" };

const IN = "HEDDLE_INBOUND";
const TO_IN = "HEDDLE_IN_REDIRECT";
const OUT = "HEDDLE_OUTPUT";
const TO_OUT = "HEDDLE_REDIRECT";

export interface Captured {
  readonly capture: Capture;
  /** Of the proxy itself: not led to it. */
  readonly ownPorts: readonly number[];
  /** Questions to the pod's resolvers are led to it as well. */
  readonly dns: boolean;
}

/** The nat table of one family, ending in a line break. */
export function natTable({ capture, ownPorts, dns }: Captured, family: Family): string {
  const ofFamily = (range: string) => range.includes(":") === (family === "v6");
  const excludedRanges = capture.excludeOutboundRanges.filter(ofFamily);
  const rules = [
    ...capture.excludeInterfaces.flatMap((name) => [
      `-A PREROUTING -i ${name} -j RETURN`,
      `-A OUTPUT -o ${name} -j RETURN`,
    ]),
    ...capture.virtualInterfaces.map((name) => `-A PREROUTING -i ${name} -p tcp -j ${TO_OUT}`),
    `-A ${TO_OUT} -p tcp -j REDIRECT --to-ports ${OUTBOUND_CAPTURE_PORT}`,
    `-A ${TO_IN} -p tcp -j REDIRECT --to-ports ${INBOUND_CAPTURE_PORT}`,
    ...inboundRules(capture, ownPorts),
    ...(dns ? dnsRules(excludedRanges) : []),
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
    ...excludedRanges.map((range) => `-A ${OUT} -d ${range} -j RETURN`),
    ...capture.includeOutboundPorts.map((port) => `-A ${OUT} -p tcp --dport ${port} -j ${TO_OUT}`),
    ...(capture.includeOutboundRanges === "*"
      ? [`-A ${OUT} -j ${TO_OUT}`]
      : capture.includeOutboundRanges
          .filter(ofFamily)
          .map((range) => `-A ${OUT} -d ${range} -j ${TO_OUT}`)),
  ];
  const chains = [IN, TO_IN, OUT, TO_OUT, ...(dns ? [DNS_CHAIN] : [])].map(
    (name) => `:${name} - [0:0]`,
  );
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
