/** Rules of Ingresses, host by host: those of all Ingresses of one host are one set, in the order that Kubernetes gives them. */
import {
  byIngressPath,
  hostMatches,
  type Ingress,
  type IngressBackend,
  type IngressPathMatch,
  ingressPathMatch,
  isWildcard,
  type MeshObject,
  resolveIngressBackend,
} from "@heddle/model";
import { derivation, type ModelReader } from "../../read.ts";
import type { HttpMatch, HttpRule, RuleSet } from "../rule-set.ts";
import { servedOf } from "./served.ts";

/** No Gateway has a name that begins so. */
const REFERENCE = "Ingress#";
const ANY_HOST = "*";
/** Of a backend that is not there: nothing else may answer in its place. */
const UNRESOLVED_STATUS = 503;

/** What a listener for these hosts is bound to. */
export function ingressReference(hosts: readonly string[]): string {
  return `${REFERENCE}${hosts.join(",")}`;
}

export function isIngressReference(gateway: string): boolean {
  return gateway.startsWith(REFERENCE);
}

export function rulesOfIngresses(read: ModelReader, reference: string): readonly RuleSet[] {
  return read.get(listenerRules, reference);
}

/** For each of the listener's hosts the rules for hosts within it; a host without any has those of the narrowest wildcard. */
const listenerRules = derivation<string, readonly RuleSet[]>(
  "form/ingress-rules",
  (reference) => reference,
  (read, reference) =>
    reference
      .slice(REFERENCE.length)
      .split(",")
      .flatMap((wanted) => {
        const inside = isWildcard(wanted)
          ? read.ingressHosts().filter((host) => host !== wanted && hostMatches(wanted, host))
          : [];
        const own = [wanted, ...wildcardsOver(wanted)].find((host) => read.get(hostRules, host));
        return [
          ...inside.flatMap((host) => read.get(hostRules, host) ?? []),
          ...(own === undefined ? [] : [narrowed(read.get(hostRules, own), wanted)]),
        ].filter((each) => each !== undefined);
      }),
);

function narrowed(rules: RuleSet | undefined, host: string): RuleSet | undefined {
  return rules && { ...rules, hosts: [host] };
}

/** `*.b.c`, `*.c`, `*` for `a.b.c`, most specific first. */
function* wildcardsOver(host: string): Generator<string> {
  let rest = host.replace(/^\*\.?/, "");
  for (let dot = rest.indexOf("."); dot >= 0; dot = rest.indexOf(".")) {
    rest = rest.slice(dot + 1);
    yield `*.${rest}`;
  }
  if (host !== ANY_HOST) yield ANY_HOST;
}

interface PathRule {
  readonly match: IngressPathMatch;
  readonly rule: HttpRule;
}

const hostRules = derivation<string, RuleSet | undefined>(
  "form/ingress-host",
  (host) => host,
  (read, host) => {
    const ingresses = servedOf(read, read.ingressesOfHost(host));
    const paths = ingresses
      .flatMap((ingress) => pathRules(read, ingress, host))
      .toSorted((a, b) => byIngressPath(a.match, b.match));
    const fallback = ingresses.find(({ spec }) => spec.defaultBackend !== undefined);
    const http = [
      ...paths.map(({ rule }) => rule),
      ...(fallback?.spec.defaultBackend
        ? [ruleFor(read, fallback, fallback.spec.defaultBackend, { length: 0 })]
        : []),
    ];
    const origin = http[0]?.origin;
    return origin && { origin, hosts: [host], http, tls: [], tcp: [] };
  },
);

function pathRules(
  read: ModelReader,
  ingress: MeshObject<Ingress>,
  host: string,
): readonly PathRule[] {
  return (ingress.spec.rules ?? [])
    .filter((rule) => (rule.host?.toLowerCase() || ANY_HOST) === host)
    .flatMap((rule) => rule.http?.paths ?? [])
    .map((path) => {
      const match = ingressPathMatch(path);
      return { match, rule: ruleFor(read, ingress, path.backend, match) };
    });
}

function ruleFor(
  read: ModelReader,
  { metadata }: MeshObject<Ingress>,
  backend: IngressBackend,
  path: IngressPathMatch,
): HttpRule {
  const { namespace, name } = metadata;
  const found = resolveIngressBackend(read.ingress, namespace, backend);
  return {
    origin: { kind: "Ingress", namespace, name },
    matches: [{ ...matchOf(path), client: {} }],
    mirrors: [],
    ...("problem" in found
      ? { destinations: [], directResponse: { status: UNRESOLVED_STATUS } }
      : { destinations: [{ ...found, weight: 100 }] }),
  };
}

function matchOf({ exact, segments }: IngressPathMatch): Omit<HttpMatch, "client"> {
  if (exact !== undefined) return { path: { exact } };
  return segments === undefined ? {} : { pathPrefix: segments };
}
