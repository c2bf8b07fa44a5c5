/**
 * Istio's own cases of authorization: our filters decide as those that Istio makes of the same policies, over random requests, and
 * ask the same server in the same way.
 */
import { canonical } from "@heddle/envoy";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { Policy, RBAC } from "@heddle/envoy/config/rbac/v3";
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
import { type Pools } from "./questions.ts";

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
      seen.add(outcomeOf(expected));
    }
    expect([...seen].toSorted()).toEqual(outcomes(wanted, pools));
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
    const constant = [...seen].filter(([, answers]) => answers.size < 2).map(([at]) => at);
    expect(constant.filter((at) => !isConstant(at))).toEqual([]);
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

function outcomeOf({ allowed, asked, left }: ReturnType<typeof judge>): string {
  return [
    allowed ? "allowed" : "denied",
    ...(asked.length > 0 ? ["asked"] : []),
    ...(left["access_log_hint"] === "true" ? ["marked"] : []),
  ].join();
}

/** Of filters that cannot but decide one way, that one; of others both. */
function outcomes(wanted: readonly AnyFilter[], { rules }: Pools): readonly string[] {
  const all = wanted.map(
    ({ typedConfig = {} }) => typedConfig as { rules?: RBAC; shadowRules?: RBAC },
  );
  // A connection does not come from two addresses at a time.
  if (all.some(({ rules: own }) => own?.action === "LOG")) return ["allowed"];
  const always = all.some((each) =>
    [each.rules, each.shadowRules].some((own) => Object.values(own?.policies ?? {}).some(isForAll)),
  );
  const asks = all.some((each) => each.shadowRules !== undefined);
  if (always) return [asks ? "allowed,asked" : "denied"];
  if (rules.length === 0) return ["denied"];
  return asks ? ["allowed", "allowed,asked"] : ["allowed", "denied"];
}

function isForAll({ permissions = [], principals = [] }: Policy): boolean {
  const any = (parts: readonly { readonly any?: boolean | undefined }[] = []) =>
    parts.every((part) => part.any);
  return (
    permissions.some(({ andRules }) => andRules && any(andRules.rules)) &&
    principals.some(({ andIds }) => andIds && any(andIds.ids))
  );
}

interface Part {
  readonly at: string;
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
            at: partName(filter, name, `permission ${index}`, term, each),
            matches: (asked) => matchesPermission(each, asked),
          })),
        ),
        ...principals.flatMap((principal, index) =>
          (principal.andIds?.ids ?? []).map((each, term): Part => ({
            at: partName(filter, name, `principal ${index}`, term, each),
            matches: (asked) => matchesPrincipal(each, asked),
          })),
        ),
      ]);
  });
}

function partName(filter: number, rule: string, side: string, term: number, part: object): string {
  return `${filter} ${rule} ${side} ${term}${"any" in part ? " any" : ""}`;
}

function isConstant(at: string): boolean {
  return at.endsWith(" any");
}
