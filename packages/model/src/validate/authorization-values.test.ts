import { describe, expect, it } from "vitest";
import { parseObject } from "../parse-object.ts";

const found = (rule: object) =>
  parseObject({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "one" },
    spec: { rules: [rule] },
  }).diagnostics.map(({ code }) => code);
const path = (value: string) => found({ to: [{ operation: { paths: [value] } }] });
const key = (value: string) => found({ when: [{ key: value, values: ["a"] }] });

describe("values of authorization rules", () => {
  it.each(["/a/{*}", "/{**}", "/a/{*}/b/{**}", "/{*}/", "/%zz/{*}", "/a;b=c/{*}", "//a", "a*"])(
    "take the path %s",
    (value) => expect(path(value)).toEqual([]),
  );

  // With some of these Envoy does not even refuse its configuration: it ends.
  it.each([
    "{*}",
    "{**}",
    "a/{*}",
    "//{*}",
    "/{*}//",
    "/a//b/{*}",
    "/{**}/{*}",
    "/a{*}",
    "/{*}.txt",
  ])("refuse the template %s", (value) => expect(path(value)).toEqual(["HDL0036"]));

  it.each([
    "request.headers[x-a]",
    "request.headers[:method]",
    "request.auth.claims[a][b]",
    "experimental.envoy.filters.a[b]",
  ])("take the attribute %s", (value) => expect(key(value)).toEqual([]));

  // Envoy would refuse the whole listener, with every other policy.
  it.each([
    "request.headers[a b]",
    "request.headers[é]",
    "request.headers[]",
    "request.auth.claims[][a]",
    "request.auth.claims[a][]",
    "experimental.envoy.filters.a[]",
  ])("refuse the attribute %s", (value) => expect(key(value)).toEqual(["HDL0013"]));
});
