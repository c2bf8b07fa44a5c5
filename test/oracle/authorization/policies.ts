/** Random policies of everything that can be asked, with values that a real request can have. */
import type { AuthorizationPolicy, AuthorizationRule, MeshObject } from "@heddle/model";
import { object } from "../../harness/objects.ts";
import { one, type Random } from "./questions.ts";

/** What the random policies ask of addresses and ports: where the Envoy of the test listens, and where its clients are. */
export interface Ground {
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly ports: readonly string[];
}

const PRINCIPALS = [
  "cluster.local/ns/shop/sa/web",
  "cluster.local/ns/shop/*",
  "*/sa/web",
  "old.test/ns/far/sa/x",
  "*test/ns/far/sa/x",
  "*",
];
const PATHS = ["/", "/admin*", "*.html", "/a/{*}/c", "/a/{**}", "/files/{*}.txt", "/exact", "*"];
const HOSTS = ["shop.test", "*.shop.test", "SHOP*", "*"];

/** Some of one or two namespaces, of each action that Envoy judges by itself. */
export function policies(
  ground: Ground,
  random: Random,
): readonly MeshObject<AuthorizationPolicy>[] {
  const actions = ["AUDIT", "DENY", "DENY", "ALLOW", "ALLOW", "ALLOW"] as const;
  return Array.from({ length: 1 + Math.floor(random() * 3) }, (_, index) => {
    const action = one(actions, random);
    const rules = Array.from({ length: Math.floor(random() * 3) }, () => rule(ground, random));
    const tried = action !== "AUDIT" && random() < 0.25;
    return object<AuthorizationPolicy>(
      "security.istio.io/v1",
      "AuthorizationPolicy",
      `policy-${index}`,
      { action, ...(rules.length > 0 ? { rules } : {}) },
      one(["shop", "far"], random),
      tried ? { annotations: { "istio.io/dry-run": "true" } } : {},
    );
  });
}

function rule(ground: Ground, random: Random): AuthorizationRule {
  const some = <T>(most: number, make: () => T) =>
    Array.from({ length: Math.floor(random() * (most + 1)) }, make);
  const from = some(2, () => ({ source: fields(sources(ground), random) }));
  const to = some(2, () => ({ operation: fields(operations(ground), random) }));
  const when = some(1, () => {
    const [key, values] = one(Object.entries(conditions(ground)), random);
    return { key, ...fields({ values, notValues: values }, random) };
  });
  return {
    ...(from.length > 0 ? { from } : {}),
    ...(to.length > 0 ? { to } : {}),
    ...(when.length > 0 ? { when } : {}),
  };
}

/** One field or two, each with one value or two. */
function fields(of: Readonly<Record<string, readonly string[]>>, random: Random) {
  return Object.fromEntries(
    Array.from({ length: random() < 0.6 ? 1 : 2 }, () => {
      const [name, values] = one(Object.entries(of), random);
      return [
        name,
        random() < 0.6 ? [one(values, random)] : [one(values, random), one(values, random)],
      ];
    }),
  );
}

const both = (name: string, values: readonly string[]) => ({
  [name]: values,
  [`not${name[0]!.toUpperCase()}${name.slice(1)}`]: values,
});

function sources({ sources: addresses }: Ground) {
  return {
    ...both("principals", PRINCIPALS),
    ...both("requestPrincipals", [
      "https://issuer.test/ann",
      "*/bob",
      "https://issuer.test/*",
      "*",
    ]),
    ...both("namespaces", ["shop", "f*", "*ar"]),
    ...both("serviceAccounts", ["web", "far/x"]),
    ...both("trustDomains", ["cluster.local", "*.test", "old*", "*"]),
    ...both("ipBlocks", addresses),
    ...both("remoteIpBlocks", ["203.0.113.0/29", "198.51.100.7", "2001:db8::/32"]),
  };
}

function operations({ ports }: Ground) {
  return {
    ...both("hosts", HOSTS),
    ...both("methods", ["GET", "P*", "*E", "*"]),
    ...both("paths", PATHS),
    ...both("ports", ports),
  };
}

function conditions({ sources: addresses, destinations, ports }: Ground) {
  return {
    "request.headers[X-Team]": ["a", "b-*", "*-c", "*"],
    "source.ip": addresses,
    "remote.ip": ["203.0.113.0/29", "2001:db8::/32"],
    "source.namespace": ["shop", "f*"],
    "source.serviceAccount": ["web", "far/x"],
    "source.trustDomain": ["old.test", "*"],
    "source.principal": PRINCIPALS,
    "request.auth.principal": ["https://issuer.test/ann", "*"],
    "request.auth.audiences": ["shop", "far-*"],
    "request.auth.presenter": ["app", "*"],
    "request.auth.claims[groups]": ["admin", "*-admin"],
    "request.auth.claims[realm][roles]": ["buyer", "*"],
    "destination.ip": destinations,
    "destination.port": ports,
    "connection.sni": ["shop.test", "*.test", "*"],
    "experimental.envoy.filters.http.lua[kind]": ["gold", "[gold]", "s*"],
  };
}
