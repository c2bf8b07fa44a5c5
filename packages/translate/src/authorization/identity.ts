/**
 * Who calls: the SPIFFE identity in the certificate of the connection, `spiffe://<trust domain>/ns/<namespace>/sa/<account>`, which
 * telemetry and logs call the source's principal. A connection in the clear has none, and matches nothing here.
 */
import type { Principal } from "@heddle/envoy/config/rbac/v3";
import type { StringMatcher } from "@heddle/envoy/type/matcher/v3";
import { literally, matcherOf, matcherOfRegex } from "./string-match.ts";
import { type TrustDomains, trustDomainsOf } from "../trust-domains.ts";

const SCHEME = "spiffe://";

/** Whole identities, without the scheme: `cluster.local/ns/shop/sa/web`. */
export function principalNamed(value: string): Principal {
  return named(matcherOf(value, SCHEME));
}

/** Wildcards may stand anywhere in the name. */
export function ofNamespace(value: string, mesh: TrustDomains): Principal {
  const name = value.split("*").map(literally).join(".*");
  return named(matcherOfRegex(`${anyPathOf(mesh) ?? ".*"}/ns/${name}/.*`));
}

/**
 * What comes before a namespace in names of the mesh's own: a namespace of the same name in a trust domain that the mesh federates with
 * is somebody else's, who may give it any name. Undefined where there is none, and all that is taken is the mesh's own.
 */
function anyPathOf(mesh: TrustDomains): string | undefined {
  if (!mesh.federatedTrustDomains?.length) return undefined;
  return `${SCHEME}(${trustDomainsOf(mesh).map(literally).join("|")})(/.+|)`;
}

/** `account` of the policy's own namespace, or `namespace/account`. Other parts may stand between and after, as SPIFFE has it. */
export function ofServiceAccount(
  value: string,
  policyNamespace: string,
  mesh: TrustDomains,
): Principal {
  const slash = value.indexOf("/");
  const namespace = slash < 0 ? policyNamespace : value.slice(0, slash);
  const account = literally(value.slice(slash + 1));
  const before = anyPathOf(mesh) ?? `${SCHEME}.+`;
  return named(matcherOfRegex(`${before}/ns/${literally(namespace)}/(.+/|)sa/${account}(/.+)?`));
}

/** One wildcard at most, which covers no slash. */
export function ofTrustDomain(value: string): Principal {
  if (value === "*") return named({ prefix: SCHEME });
  if (!value.includes("*")) return named({ prefix: `${SCHEME}${value}/` });
  const star = value.indexOf("*");
  const [start, end] = [value.slice(0, star), value.slice(star + 1)].map(literally);
  return named(matcherOfRegex(`${SCHEME}${start}[^/]*${end}/.*`));
}

function named(principalName: StringMatcher): Principal {
  return { authenticated: { principalName } };
}

/** What `cluster.local` stands for in a policy: the mesh's own trust domain, whatever that is called. */
const ANY_MESH = "cluster.local";

/**
 * Identities of the mesh's own trust domain, or of one of its aliases, under every name that the mesh has; others as they are. One
 * with a wildcard in the place of its trust domain, such as `*-old/ns/shop/sa/web`, stands for the names that it covers already.
 */
export function underEveryName(principals: readonly string[], mesh: TrustDomains): string[] {
  const all = trustDomainsOf(mesh);
  return principals.flatMap((principal) => {
    const [domain = "", ...path] = principal.split("/");
    const ours = domain === ANY_MESH || all.some((each) => meet(domain, each));
    if (path.length !== 4 || domain === "*" || !ours) return [principal];
    const renamed = all.map((each) =>
      covers(domain, each) ? principal : [each, ...path].join("/"),
    );
    return [...new Set(renamed)];
  });
}

/** Trust domains, with all names of the mesh where one of them is among them. */
export function withEveryName(domains: readonly string[], mesh: TrustDomains): string[] {
  const all = trustDomainsOf(mesh);
  return [...new Set(domains.flatMap((domain) => (all.includes(domain) ? all : [domain])))];
}

/** Whether one of two is the other, or has a wildcard that covers it. */
function meet(one: string, other: string): boolean {
  return (
    one === other ||
    other === "*" ||
    [one, other].some((pattern, index, pair) => {
      const name = pair[1 - index]!;
      return (
        covers(pattern, name) || (pattern.endsWith("*") && name.startsWith(pattern.slice(0, -1)))
      );
    })
  );
}

/** By a wildcard at its beginning. */
function covers(pattern: string, name: string): boolean {
  return pattern.startsWith("*") && name.endsWith(pattern.slice(1));
}
