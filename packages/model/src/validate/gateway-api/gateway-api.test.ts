/** What the Gateway API's CRDs refuse is refused, with the code and the place. */
import { describe, expect, test } from "vitest";
import { parseObject } from "../../parse-object.ts";

/** Kinds and fields that are not yet in effect are told of too, which is no matter here. */
const PLANNED: ReadonlySet<string> = new Set(["HDL0009", "HDL0016"]);

function found(kind: string, spec: unknown, version = "v1"): string[] {
  const { diagnostics } = parseObject({
    apiVersion: `gateway.networking.k8s.io/${version}`,
    kind,
    metadata: { name: "x" },
    spec,
  });
  return diagnostics
    .filter(({ code }) => !PLANNED.has(code))
    .map(({ code, path }) => `${code} ${path?.replace(/^spec\./, "")}`);
}

const listener = { name: "http", port: 80, protocol: "HTTP" };
const tls = { certificateRefs: [{ name: "c" }] };
const gateway = (...listeners: object[]) => ({ gatewayClassName: "heddle", listeners });
const rule = (fields: object) => ({ rules: [fields] });
const filters = (...all: object[]) => rule({ filters: all });
const validation = (fields: object) => ({
  targetRefs: [{ group: "", kind: "Service", name: "s" }],
  validation: { hostname: "a.com", wellKnownCACertificates: "System", ...fields },
});

describe("a Gateway", () => {
  test.each([
    [gateway(listener), []],
    [{ gatewayClassName: "heddle", listeners: [] }, ["HDL0023 listeners"]],
    [gateway({ ...listener, port: undefined }), ["HDL0012 listeners[0].port"]],
    [gateway({ ...listener, tls }), ["HDL0030 listeners[0].tls"]],
    [gateway({ ...listener, protocol: "HTTPS", tls }), []],
    [
      gateway({ ...listener, protocol: "HTTPS", tls: { mode: "Terminate" } }),
      ["HDL0023 listeners[0].tls.certificateRefs"],
    ],
    [
      gateway({ ...listener, protocol: "HTTPS", tls: { mode: "Passthrough" } }),
      ["HDL0030 listeners[0].tls.mode"],
    ],
    [gateway({ ...listener, protocol: "TLS" }), ["HDL0030 listeners[0].tls"]],
    [
      gateway({ ...listener, protocol: "TCP", hostname: "a.com" }),
      ["HDL0022 listeners[0].hostname"],
    ],
    [gateway(listener, { ...listener, port: 81 }), ["HDL0029 listeners[1].name"]],
    [gateway(listener, { ...listener, name: "b" }), ["HDL0029 listeners[1]"]],
    [gateway(listener, { ...listener, name: "b", hostname: "a.com" }), []],
    [gateway({ ...listener, hostname: "a_b.com" }), ["HDL0020 listeners[0].hostname"]],
    [gateway({ ...listener, hostname: "*.*.com" }), ["HDL0020 listeners[0].hostname"]],
    [gateway({ ...listener, hostnam: "a.com" }), ["HDL0010 listeners[0].hostnam"]],
    [{ ...gateway(listener), addresses: [{ value: "1.2.3" }] }, ["HDL0028 addresses[0].value"]],
    [
      { ...gateway(listener), addresses: [{ value: "1.2.3.4" }, { value: "1.2.3.4" }] },
      ["HDL0029 addresses[1].value"],
    ],
    [
      { ...gateway(listener), infrastructure: { labels: { "a b": "c" } } },
      ['HDL0017 infrastructure.labels["a b"]'],
    ],
    [
      {
        ...gateway(listener),
        tls: {
          frontend: {
            default: {},
            perPort: [
              { port: 1, tls: {} },
              { port: 1, tls: {} },
            ],
          },
        },
      },
      ["HDL0029 tls.frontend.perPort[1].port"],
    ],
  ])("%j is told %j", (spec, expected) => {
    expect(found("Gateway", spec)).toEqual(expected);
  });
});

describe("an HTTPRoute", () => {
  test.each([
    [{}, []],
    [{ rules: [] }, ["HDL0023 rules"]],
    [{ parentRefs: [{ name: "g" }, { name: "g" }] }, ["HDL0029 parentRefs[1]"]],
    [{ parentRefs: [{ name: "g" }, { name: "g", sectionName: "a" }] }, ["HDL0023 parentRefs[1]"]],
    [
      {
        parentRefs: [
          { name: "g", sectionName: "b" },
          { name: "g", sectionName: "a" },
        ],
      },
      [],
    ],
    [rule({ backendRefs: [{ name: "s" }] }), ["HDL0012 rules[0].backendRefs[0]"]],
    [rule({ backendRefs: [{ name: "s", port: 70000 }] }), ["HDL0014 rules[0].backendRefs[0].port"]],
    [rule({ matches: [{ path: { value: "a" } }] }), ["HDL0028 rules[0].matches[0].path.value"]],
    [rule({ matches: [{ path: { value: "/a//b" } }] }), ["HDL0028 rules[0].matches[0].path.value"]],
    [rule({ matches: [{ path: { value: "/a/.." } }] }), ["HDL0028 rules[0].matches[0].path.value"]],
    [
      rule({ matches: [{ path: { type: "RegularExpression", value: "(" } }] }),
      ["HDL0021 rules[0].matches[0].path.value"],
    ],
    [rule({ matches: [{ method: "FETCH" }] }), ["HDL0013 rules[0].matches[0].method"]],
    [
      rule({
        matches: [
          {
            headers: [
              { name: "A", value: "b" },
              { name: "a", value: "c" },
            ],
          },
        ],
      }),
      ["HDL0029 rules[0].matches[0].headers[1].name"],
    ],
    [
      {
        rules: Array.from({ length: 3 }, () => ({
          matches: Array.from({ length: 43 }, () => ({})),
        })),
      },
      ["HDL0014 rules"],
    ],
    [filters({ type: "URLRewrite" }), ["HDL0012 rules[0].filters[0].urlRewrite"]],
    [
      filters({ type: "CORS", cors: {}, urlRewrite: {} }),
      ["HDL0022 rules[0].filters[0].urlRewrite"],
    ],
    [
      filters({ type: "CORS", cors: { allowOrigins: ["*", "https://a.com"] } }),
      ["HDL0022 rules[0].filters[0].cors.allowOrigins"],
    ],
    [
      filters(
        { type: "RequestRedirect", requestRedirect: {} },
        { type: "URLRewrite", urlRewrite: {} },
      ),
      ["HDL0022 rules[0].filters"],
    ],
    [
      filters({ type: "RequestRedirect", requestRedirect: { statusCode: 300 } }),
      ["HDL0013 rules[0].filters[0].requestRedirect.statusCode"],
    ],
    [
      filters({
        type: "URLRewrite",
        urlRewrite: { path: { type: "ReplaceFullPath", replacePrefixMatch: "/" } },
      }),
      [
        "HDL0012 rules[0].filters[0].urlRewrite.path.replaceFullPath",
        "HDL0022 rules[0].filters[0].urlRewrite.path.replacePrefixMatch",
      ],
    ],
    [
      rule({
        matches: [{ path: { type: "Exact", value: "/a" } }],
        filters: [
          {
            type: "URLRewrite",
            urlRewrite: { path: { type: "ReplacePrefixMatch", replacePrefixMatch: "/" } },
          },
        ],
      }),
      ["HDL0022 rules[0].filters[0]"],
    ],
    [
      filters({
        type: "RequestMirror",
        requestMirror: { backendRef: { name: "s", port: 1 }, fraction: { numerator: 101 } },
      }),
      ["HDL0014 rules[0].filters[0].requestMirror.fraction.numerator"],
    ],
    [
      filters(
        { type: "RequestHeaderModifier", requestHeaderModifier: {} },
        { type: "RequestHeaderModifier", requestHeaderModifier: {} },
      ),
      ["HDL0029 rules[0].filters[1]"],
    ],
    [
      rule({ timeouts: { request: "1s", backendRequest: "2s" } }),
      ["HDL0014 rules[0].timeouts.backendRequest"],
    ],
    [rule({ timeouts: { request: "0s", backendRequest: "2s" } }), []],
    [rule({ timeouts: { request: "1.5s" } }), ["HDL0015 rules[0].timeouts.request"]],
    [rule({ retry: { codes: [200] } }), ["HDL0014 rules[0].retry.codes[0]"]],
    [
      rule({ sessionPersistence: { cookie: { lifetimeType: "Permanent" } } }),
      ["HDL0012 rules[0].sessionPersistence.absoluteTimeout"],
    ],
    [
      rule({
        sessionPersistence: { absoluteTimeout: "1h", cookie: { lifetimeType: "Permanent" } },
      }),
      [],
    ],
    [
      rule({ sessionPersistence: { absoluteTimeout: "1h", cookie: { name: "c" } } }),
      ["HDL0032 rules[0].sessionPersistence.absoluteTimeout"],
    ],
    [
      rule({
        sessionPersistence: { type: "Header", absoluteTimeout: "1h", header: { name: "x-a" } },
      }),
      ["HDL0032 rules[0].sessionPersistence.absoluteTimeout"],
    ],
  ])("%j is told %j", (spec, expected) => {
    expect(found("HTTPRoute", spec)).toEqual(expected);
  });
});

describe("other kinds", () => {
  test.each([
    [
      "GRPCRoute",
      rule({ matches: [{ method: { type: "Exact" } }] }),
      ["HDL0023 rules[0].matches[0].method"],
    ],
    [
      "GRPCRoute",
      rule({ matches: [{ method: { service: "a/b" } }] }),
      ["HDL0028 rules[0].matches[0].method.service"],
    ],
    ["GRPCRoute", rule({ filters: [{ type: "CORS" }] }), ["HDL0013 rules[0].filters[0].type"]],
    ["TLSRoute", rule({ backendRefs: [{ name: "s", port: 1 }] }), ["HDL0023 hostnames"]],
    [
      "TLSRoute",
      { hostnames: ["10.0.0.1"], ...rule({ backendRefs: [{ name: "s", port: 1 }] }) },
      ["HDL0020 hostnames[0]"],
    ],
    [
      "TCPRoute",
      { rules: [{ backendRefs: [{ name: "s", port: 1 }] }, {}] },
      ["HDL0014 rules", "HDL0023 rules[1].backendRefs"],
    ],
    ["UDPRoute", rule({ backendRefs: [{ name: "s" }] }), ["HDL0012 rules[0].backendRefs[0]"]],
    ["GatewayClass", { controllerName: "heddle" }, ["HDL0017 controllerName"]],
    [
      "ListenerSet",
      { parentRef: { name: "g" }, listeners: [{ name: "a", protocol: "HTTP" }] },
      ["HDL0012 listeners[0].port"],
    ],
    ["ReferenceGrant", { from: [], to: [{ group: "", kind: "Secret" }] }, ["HDL0023 from"]],
    ["BackendTLSPolicy", validation({}), []],
    [
      "BackendTLSPolicy",
      validation({ caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "c" }] }),
      ["HDL0022 validation"],
    ],
    [
      "BackendTLSPolicy",
      validation({ wellKnownCACertificates: undefined }),
      ["HDL0012 validation"],
    ],
    [
      "BackendTLSPolicy",
      validation({ subjectAltNames: [{ type: "URI", hostname: "a.com" }] }),
      [
        "HDL0022 validation.subjectAltNames[0].hostname",
        "HDL0012 validation.subjectAltNames[0].uri",
      ],
    ],
  ])("%s %j is told %j", (kind, spec, expected) => {
    expect(found(kind, JSON.parse(JSON.stringify(spec)))).toEqual(expected);
  });

  test("an older TLSRoute may have several rules and no hostnames", () => {
    expect(found("TLSRoute", { rules: [{}, {}] }, "v1alpha2")).toEqual([]);
  });
});
