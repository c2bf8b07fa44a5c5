/** Random AuthorizationPolicies of every action, and of everything that they may ask of. */
import type { AuthorizationPolicy, AuthorizationRule } from "@heddle/model";
import fc from "fast-check";
import { object } from "../../../../test/harness/objects.ts";

/** Names of providers: a good one by each protocol, one whose service may not be there, and one that nobody knows. */
export const PROVIDERS = [
  {
    name: "by-http",
    envoyExtAuthzHttp: { service: "a/one.a.svc.cluster.local", port: 80, pathPrefix: "/check" },
  },
  { name: "by-grpc", envoyExtAuthzGrpc: { service: "two.b.svc.cluster.local", port: 81 } },
] as const;

const rule: fc.Arbitrary<AuthorizationRule> = fc.constantFrom<AuthorizationRule>(
  {},
  { from: [{ source: { principals: ["cluster.local/ns/a/sa/one-v1", "*/sa/two-v1"] } }] },
  { from: [{ source: { namespaces: ["a"], notServiceAccounts: ["b/two-v1"] } }] },
  { from: [{ source: { requestPrincipals: ["*"] } }], to: [{ operation: { ports: ["8080"] } }] },
  { to: [{ operation: { paths: ["/a/{*}", "/b*"], methods: ["GET"], notHosts: ["*.test"] } }] },
  { when: [{ key: "request.headers[x-team]", values: ["a", "b*"] }] },
  { when: [{ key: "source.ip", notValues: ["10.0.0.0/30"] }] },
);

export const authorizationPolicy = fc
  .record({
    namespace: fc.constantFrom("a", "b", "istio-system"),
    name: fc.constantFrom("guard", "door"),
    action: fc.constantFrom("ALLOW", "DENY", "AUDIT", "CUSTOM", "CUSTOM"),
    provider: fc.constantFrom("by-http", "by-grpc", "by-grpc", "nobody"),
    dryRun: fc.boolean(),
    target: fc.constantFrom<Partial<AuthorizationPolicy>>(
      {},
      { selector: { matchLabels: { app: "one" } } },
      { selector: { matchLabels: { app: "two" } } },
      { targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "api" }] },
    ),
    rules: fc.array(rule, { maxLength: 2 }),
  })
  .map(({ namespace, name, action, provider, dryRun, target, rules }) => {
    const judged = action === "ALLOW" || action === "DENY";
    return object<AuthorizationPolicy>(
      "security.istio.io/v1",
      "AuthorizationPolicy",
      name,
      {
        ...target,
        action,
        ...(action === "CUSTOM" ? { provider: { name: provider } } : {}),
        ...(rules.length > 0 ? { rules } : {}),
      } as AuthorizationPolicy,
      namespace,
      judged && dryRun ? { annotations: { "istio.io/dry-run": "true" } } : {},
    );
  });
