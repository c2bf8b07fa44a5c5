/** Whatever odd value an AuthorizationPolicy is accepted with, Envoy takes what becomes of it: one that it refuses, or ends by, would cost all others. */
import { type AuthorizationPolicy, type AuthorizationRule, parseObject } from "@heddle/model";
import { staticBootstrap } from "@heddle/translate";
import { describe, expect, test } from "vitest";
import { envoyBinary, validate } from "../../harness/envoy-process.ts";
import { authorizationPolicy, pod, service } from "../../harness/objects.ts";
import { viewOf } from "../../harness/world.ts";

const VALUES = [
  ...["", " ", "*", "**", "***", "*a*", "a*b", "/", "/*", "*/", "*/*", "a/b/c", "//a", "%", "é"],
  ...["a\nb", "\u0000", "(", "[", "]", "[]", "[*]", "[a", "\\", "x".repeat(2000), "a", "0", "80"],
  ...["{*}", "{**}", "a/{*}", "{*}/a", "//{*}", "/{*}", "/{**}", "/{*}//", "/{*}/", "/{**}x"],
  ...["/x{**}", "/{*}/{**}", "/a/{**}/b", "/{*}{*}", "/a{*}", "/{*}.txt", "/**/a", "/a//b/{*}"],
  ...["/%zz/{*}", "/*/{*}", "/a*/{*}", "/a/**/{*}", "*{*}", "/a;b=c/{*}", "/a:b/{**}", "/ä/{*}"],
  ...["/a b/{*}", "/a?b/{*}", `/a${"/{*}".repeat(9)}`],
  ...["::1", "::ffff:10.0.0.1", "10.0.0.1/0", "fe80::1/64", "1.2.3.4/32", "::/0", "10.0.0.0/33"],
];
const SOURCES = [
  ...["principals", "requestPrincipals", "namespaces", "serviceAccounts", "trustDomains"],
  ...["ipBlocks", "remoteIpBlocks"],
];
const OPERATIONS = ["hosts", "ports", "methods", "paths"];
const KEYS = [
  ...["source.ip", "remote.ip", "source.namespace", "source.serviceAccount", "source.principal"],
  ...["source.trustDomain", "request.auth.principal", "request.auth.audiences"],
  ...["request.auth.presenter", "destination.ip", "destination.port", "connection.sni"],
  ...[
    "request.headers[a b]",
    "request.headers[:method]",
    "request.headers[]",
    "request.headers[é]",
  ],
  ...["request.headers[a][b]", "request.headers[:x]", "request.headersx[a]", "request.headers[ ]"],
  ...["request.auth.claims[][a]", "request.auth.claims[a][]", "request.auth.claims[a][b][c]"],
  ...["request.auth.claims[ ]", "request.auth.claimsx[a]", "experimental.envoy.filters.[x]"],
  ...["experimental.envoy.filters.a[b][c]", "experimental.envoy.filters.a[b"],
];

const RULES: readonly AuthorizationRule[] = VALUES.flatMap((value) => [
  ...SOURCES.map((field) => ({ from: [{ source: { [field]: [value] } }] })),
  ...OPERATIONS.map((field) => ({ to: [{ operation: { [field]: [value] } }] })),
  ...KEYS.map((key) => ({ when: [{ key, values: [value] }] })),
]);

describe.skipIf(!envoyBinary)("odd values of AuthorizationPolicies", () => {
  test("are refused, or are taken by Envoy", async () => {
    const specs = RULES.map((rule): AuthorizationPolicy => ({ action: "DENY", rules: [rule] }));
    const accepted = specs.flatMap((spec, index) => {
      const { object } = parseObject(authorizationPolicy(`policy-${index}`, spec));
      return object ?? [];
    });
    console.log(`${accepted.length} of ${specs.length} policies are accepted`);
    expect(accepted.length).toBeGreaterThan(specs.length / 10);
    expect(accepted.length).toBeLessThan(specs.length);
    const workload = { pod: "web", address: "127.0.9.1", labels: { app: "web" } };
    const ports = [
      { name: "http", port: 80 },
      { name: "tcp", port: 90 },
    ];
    const view = viewOf(
      [
        pod({ name: "web", ...workload }),
        ...service("web", ports, [workload.address]),
        ...accepted,
      ],
      workload,
    );
    try {
      expect((await validate(staticBootstrap(view.proxy, view))).slice(-1000)).toBe("");
    } finally {
      view.dispose();
    }
  }, 60_000);
});
