/**
 * Istio's own cases of authorization: our filters decide as those that Istio makes of the same policies, over random requests, and
 * ask the same server in the same way.
 */
import { canonical } from "@heddle/envoy";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { Permission, Policy, Principal, RBAC } from "@heddle/envoy/config/rbac/v3";
import type { HttpConnectionManager } from "@heddle/envoy/extensions/filters/network/http_connection_manager/v3";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { offlineXds } from "../../../apps/cli/src/offline/xds.ts";
import { type AnyFilter, judge, matchesPermission, matchesPrincipal } from "./evaluate.ts";
import {
  type Case,
  cases,
  inputOf,
  meshConfigOf,
  policiesOf,
  poolsFor,
  questions,
  REQUESTS,
  there,
  wantedOf,
} from "./istio-cases.ts";
import type { Question } from "./question.ts";

test.skipIf(!there)("Istio's cases are there", () => expect(cases).not.toEqual([]));

describe.each(cases)("$kind $name", (each) => {
  const wanted = wantedOf(each);
  const policies = policiesOf(each).map(({ spec }) => spec);
  const pools = poolsFor(each);
  const { filters, diagnostics } = translated(each);

  test("has as many filters of the same names, in the same order", () => {
    expect(diagnostics.filter(({ level }) => level === "Error")).toEqual([]);
    expect(filters.map(({ name }) => name)).toEqual(wanted.map(({ name }) => name));
  });

  // Where no filter is expected, there is nothing to ask.
  const decided = wanted.length > 0 ? test : () => {};

  decided(`decides as Istio's over ${REQUESTS} requests`, () => {
    const seen = new Set<string>();
    for (const asked of questions(each.name, pools)) {
      const verdict = judge(filters, asked);
      const expected = judge(wanted, asked);
      if (JSON.stringify(verdict) !== JSON.stringify(expected)) {
        expect({ verdict, asked }).toEqual({ verdict: expected, asked });
      }
      for (const word of outcomeOf(expected)) seen.add(word);
    }
    expect([...seen]).toEqual(expect.arrayContaining([...outcomes(wanted)]));
  });

  decided("matches, part by part, what Istio's parts do", () => {
    const [own, theirs] = [filters, wanted].map(partsOf) as [Part[], Part[]];
    expect(own.map(({ at }) => at)).toEqual(theirs.map(({ at }) => at));
    const seen = new Map<string, Set<boolean>>();
    for (const asked of questions(each.name, pools)) {
      for (const [index, part] of theirs.entries()) {
        const expected = part.matches(asked);
        if (own[index]!.matches(asked) !== expected) {
          expect({ part: part.at, asked }).toEqual("no difference");
        }
        seen.set(part.at, (seen.get(part.at) ?? new Set()).add(expected));
      }
    }
    const constant = theirs.filter(({ at }) => (seen.get(at)?.size ?? 0) < 2);
    expect(constant.filter(({ part }) => !isConstant(part)).map(({ at }) => at)).toEqual([]);
  });

  test("asks a server as Istio's does", () => {
    const asking = (all: readonly AnyFilter[]) =>
      all.filter(({ name }) => name?.endsWith(".ext_authz")).map(plain);
    expect(asking(filters)).toEqual(asking(wanted));
  });

  if (policies.some(({ action }) => action === "CUSTOM")) {
    test("is, as servers are asked, the same field by field", () => {
      expect(filters.map(plain)).toEqual(wanted.map(plain));
    });
  }
});

/** With fields in one order, and without what the API has as its default anyway. */
function plain(filter: AnyFilter): unknown {
  const { "@type": url = "", ...config } = filter.typedConfig ?? {};
  const type = String(url).replace("type.googleapis.com/", "");
  return { name: filter.name, type, config: canonical(type, config) };
}

/** By the command that offline users have, for a pod with a port for requests and one for connections. */
function translated(each: Case) {
  const { namespace, labels } = each.workload;
  const meta = (name: string) => ({ name, namespace, labels });
  const ports = [
    { name: "http", port: 8000 },
    { name: "tcp", port: 9000 },
  ];
  const objects = [
    {
      ...{ apiVersion: "v1", kind: "Pod", metadata: meta("httpbin") },
      spec: { containers: [{ name: "httpbin" }, { name: "istio-proxy" }] },
      status: { podIP: "10.0.0.1", phase: "Running" },
    },
    ...["httpbin", "my-custom-ext-authz"].map((name) => ({
      ...{ apiVersion: "v1", kind: "Service", metadata: meta(name) },
      spec: { clusterIP: "None", selector: labels, ports },
    })),
    {
      ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4" },
      metadata: { ...meta("httpbin-1"), labels: { "kubernetes.io/service-name": "httpbin" } },
      endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true } }],
      ports: ports.map(({ name, port }) => ({ name, port, protocol: "TCP" })),
    },
  ];
  const { resources, diagnostics } = offlineXds(
    [
      { name: "workload.yaml", content: objects.map((object) => stringify(object)).join("---\n") },
      { name: "policies.yaml", content: inputOf(each) },
    ],
    {
      proxy: `httpbin.${namespace}`,
      meshConfig: meshConfigOf(each),
    },
  );
  return { filters: guarding(resources.listeners as Listener[], each.kind), diagnostics };
}

/** What stands before the application on its port for requests, or for connections, inside of the mesh's TLS. */
function guarding(listeners: readonly Listener[], kind: Case["kind"]): readonly AnyFilter[] {
  const chain = listeners
    .find(({ name }) => name === "virtualInbound")
    ?.filterChains?.find(({ name }) => name === (kind === "http" ? "8000-mtls" : "9000-mtls"));
  const filters = chain?.filters ?? [];
  const manager = filters.find(({ name }) => name?.endsWith(".http_connection_manager"));
  const all: readonly AnyFilter[] =
    kind === "tcp"
      ? filters
      : ((manager?.typedConfig as HttpConnectionManager | undefined)?.httpFilters ?? []);
  return all.filter(({ name }) => /\.(?:rbac|ext_authz)$/.test(name ?? ""));
}

function outcomeOf({ allowed, asked, left }: ReturnType<typeof judge>): readonly string[] {
  return [
    allowed ? "allowed" : "denied",
    ...(asked.length > 0 ? ["asked"] : []),
    ...(left["access_log_hint"] === "true" ? ["marked"] : []),
  ];
}

/** What has to come of some of the requests, as far as the rules show it. */
function outcomes(wanted: readonly AnyFilter[]): ReadonlySet<string> {
  const all = wanted.map(({ name = "", typedConfig = {} }) => ({
    asks: name.endsWith(".ext_authz"),
    ...(typedConfig as { rules?: RBAC; shadowRules?: RBAC }),
  }));
  const ruled = all.flatMap(({ rules }) => (rules ? [rules] : []));
  const denying = ruled.filter(({ action }) => action === "DENY");
  const allowing = ruled.filter(({ action = "ALLOW" }) => action === "ALLOW");
  const asking = all.some(({ asks }) => asks);
  const found = {
    allowed: denying.every(isMissed) && allowing.every(isMet),
    denied: denying.some(isMet) || allowing.some(isMissed),
    marked: ruled.some((rules) => rules.action === "LOG" && isMet(rules)),
    asked: asking && all.some(({ shadowRules }) => shadowRules && isMet(shadowRules)),
  };
  return new Set(Object.entries(found).flatMap(([word, isFound]) => (isFound ? [word] : [])));
}

/** Whether some request has to match. */
function isMet({ policies = {} }: RBAC): boolean {
  return Object.values(policies).some((policy) => waysOf(policy).some(canBeMet));
}

/** Whether some request has to match nothing. */
function isMissed({ policies = {} }: RBAC): boolean {
  return Object.values(policies).every((policy) => !waysOf(policy).some((way) => way.every(isAny)));
}

type AnyPart = Permission | Principal;

/** Each permission with each principal, as what has to match together. */
function waysOf({ permissions = [], principals = [] }: Policy): readonly (readonly AnyPart[])[] {
  return permissions.flatMap((permission) =>
    principals.map(({ andIds }) => [
      ...(permission.andRules?.rules ?? [permission]),
      ...(andIds?.ids ?? []),
    ]),
  );
}

/** Nobody comes from two addresses at a time, and what may be nothing at all is met by nobody. */
function canBeMet(way: readonly AnyPart[]): boolean {
  const once = way.flatMap((part) =>
    negated(part) ? [] : [...new Set(leavesOf(part).map(askedOf))],
  );
  return (
    new Set(once).size === once.length &&
    !way.some((part) => negated(part) && leavesOf(part).some((leaf) => isAny(leaf) || isAll(leaf)))
  );
}

function negated(part: AnyPart): AnyPart | undefined {
  return "notRule" in part ? part.notRule : "notId" in part ? part.notId : undefined;
}

function leavesOf(part: AnyPart): readonly AnyPart[] {
  const inner = negated(part);
  if (inner) return leavesOf(inner);
  const { andRules, orRules } = part as Permission;
  const { andIds, orIds } = part as Principal;
  const parts: readonly AnyPart[] | undefined =
    andRules?.rules ?? orRules?.rules ?? andIds?.ids ?? orIds?.ids;
  return parts ? parts.flatMap(leavesOf) : [part];
}

/** The attribute that a leaf asks of. */
function askedOf(leaf: AnyPart): string {
  const [kind = ""] = Object.keys(leaf);
  const path = (leaf.sourcedMetadata?.metadataMatcher ?? leaf.metadata)?.path;
  return `${kind} ${leaf.header?.name ?? ""} ${JSON.stringify(path ?? "")}`;
}

function isAny(part: AnyPart): boolean {
  return part.any === true;
}

/** Every request has a path, a method and a host. */
function isAll({ header, urlPath }: AnyPart): boolean {
  const present = header?.name?.startsWith(":") && header.presentMatch === true;
  return present === true || urlPath?.path?.safeRegex?.regex === ".+";
}

function isConstant(part: AnyPart): boolean {
  return leavesOf(part).some((leaf) => isAny(leaf) || isAll(leaf));
}

interface Part {
  readonly at: string;
  readonly part: AnyPart;
  matches(question: Question): boolean;
}

/** What a filter's rules are joined of, as deep as all of them have to match. */
function partsOf(filters: readonly AnyFilter[]): readonly Part[] {
  return filters.flatMap(({ typedConfig = {} }, filter) => {
    const { rules, shadowRules } = typedConfig as { rules?: RBAC; shadowRules?: RBAC };
    return Object.entries({ ...rules?.policies, ...shadowRules?.policies })
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, { permissions = [], principals = [] }]) => [
        ...permissions.flatMap((permission, index) =>
          (permission.andRules?.rules ?? []).map((each, term): Part => ({
            at: `${filter} ${name} permission ${index} ${term}`,
            part: each,
            matches: (asked) => matchesPermission(each, asked),
          })),
        ),
        ...principals.flatMap((principal, index) =>
          (principal.andIds?.ids ?? []).map((each, term): Part => ({
            at: `${filter} ${name} principal ${index} ${term}`,
            part: each,
            matches: (asked) => matchesPrincipal(each, asked),
          })),
        ),
      ]);
  });
}
