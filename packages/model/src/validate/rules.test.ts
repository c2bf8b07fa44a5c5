/** What each kind's rules refuse, beyond the types of its fields. */
import { describe, expect, test } from "vitest";
import { parse as yaml } from "yaml";
import { parseObject } from "../parse-object.ts";

function found(kind: string, spec: string): string[] {
  const group = kind === "PeerAuthentication" ? "security" : "networking";
  const ours = kind === "Fallback" || kind === "Redaction";
  const apiVersion = ours ? "heddle.dev/v1" : `${group}.istio.io/v1`;
  const { diagnostics } = parseObject({
    apiVersion,
    kind,
    metadata: { name: "x" },
    spec: yaml(spec) as unknown,
  });
  return diagnostics.map(({ code, level, path }) => `${code} ${level} ${path ?? ""}`);
}

const TO = "route: [{destination: {host: a}}]";
const route = (more: string) => `{hosts: [a], http: [{${more}}]}`;

describe("VirtualService", () => {
  test.each([
    ["a plain rule", route(TO)],
    [
      "weights of 100",
      route("route: [{destination: {host: a}, weight: 80}, {destination: {host: b}, weight: 20}]"),
    ],
    ["one destination without weight", route(TO)],
    ["a header that only has to be there", route(`match: [{headers: {x: {}}}], ${TO}`)],
    ["an empty prefix of a path", route(`match: [{uri: {prefix: ""}}], ${TO}`)],
    ["a redirect", route("redirect: {uri: /x}")],
    ["an answer of its own", route("directResponse: {status: 503, body: {string: no}}")],
    [
      "faults",
      route(
        `fault: {abort: {httpStatus: 500, percentage: {value: 0.5}}, delay: {fixedDelay: 5s}}, ${TO}`,
      ),
    ],
    ["retries turned off", route(`retries: {attempts: 0}, ${TO}`)],
    ["retries on statuses", route(`retries: {attempts: 2, retryOn: "5xx,503"}, ${TO}`)],
    ["* at gateways", `{hosts: ["*"], gateways: [g], http: [{${TO}}]}`],
    [
      "variables in headers",
      route(`headers: {request: {set: {x: "%DOWNSTREAM_REMOTE_ADDRESS%", y: "100%%"}}}, ${TO}`),
    ],
  ])("takes %s", (_, spec) => expect(found("VirtualService", spec)).toEqual([]));

  test.each([
    [
      "weights of 0",
      "route: [{destination: {host: a}}, {destination: {host: b}}]",
      "HDL0024 Error spec.http[0].route",
    ],
    [
      "weights of 110",
      "route: [{destination: {host: a}, weight: 80}, {destination: {host: b}, weight: 30}]",
      "HDL0025 Warning spec.http[0].route",
    ],
    [
      "a negative weight",
      "route: [{destination: {host: a}, weight: -1}]",
      "HDL0014 Error spec.http[0].route[0].weight",
    ],
    ["nothing to do", "match: [{port: 80}]", "HDL0023 Error spec.http[0]"],
    [
      "an answer above 1 MiB",
      `directResponse: {status: 200, body: {string: ${"x".repeat(1024 * 1024 + 1)}}}`,
      "HDL0014 Error spec.http[0].directResponse.body",
    ],
    ["route and redirect", `${TO}, redirect: {uri: /x}`, "HDL0022 Error spec.http[0].route"],
    [
      "redirect and fault",
      "redirect: {uri: /x}, fault: {abort: {httpStatus: 500}}",
      "HDL0022 Error spec.http[0].fault",
    ],
    [
      "route and directResponse",
      `${TO}, directResponse: {status: 200}`,
      "HDL0022 Error spec.http[0].route",
    ],
    [
      "mirror and mirrors",
      `${TO}, mirror: {host: a}, mirrors: [{destination: {host: b}}]`,
      "HDL0022 Error spec.http[0].mirror",
    ],
    [
      "two matches of one string",
      `match: [{uri: {exact: /a, prefix: /b}}], ${TO}`,
      "HDL0022 Error spec.http[0].match[0].uri",
    ],
    [
      "a match of nothing",
      `match: [{method: {}}], ${TO}`,
      "HDL0023 Error spec.http[0].match[0].method",
    ],
    [
      "an empty prefix of a method",
      `match: [{method: {prefix: ""}}], ${TO}`,
      "HDL0023 Error spec.http[0].match[0].method.prefix",
    ],
    [
      "a regular expression of Perl",
      `match: [{uri: {regex: "(?=a)"}}], ${TO}`,
      "HDL0021 Error spec.http[0].match[0].uri.regex",
    ],
    [
      "a header's name",
      `match: [{headers: {"a b": {exact: x}}}], ${TO}`,
      'HDL0026 Error spec.http[0].match[0].headers["a b"]',
    ],
    [
      "a port of 0",
      "route: [{destination: {host: a, port: {number: 0}}}]",
      "HDL0014 Error spec.http[0].route[0].destination.port.number",
    ],
    [
      "a subset's name",
      "route: [{destination: {host: a, subset: V_1}}]",
      "HDL0017 Error spec.http[0].route[0].destination.subset",
    ],
    [
      "a destination of *",
      'route: [{destination: {host: "*"}}]',
      "HDL0020 Error spec.http[0].route[0].destination.host",
    ],
    ["a time-out of 0", `timeout: 0s, ${TO}`, "HDL0015 Error spec.http[0].timeout"],
    ["a time-out without unit", `timeout: 5, ${TO}`, "HDL0015 Error spec.http[0].timeout"],
    ["fractions of milliseconds", `timeout: 1us, ${TO}`, "HDL0015 Error spec.http[0].timeout"],
    [
      "too many per cent",
      `fault: {abort: {httpStatus: 500, percentage: {value: 101}}}, ${TO}`,
      "HDL0027 Error spec.http[0].fault.abort.percentage.value",
    ],
    [
      "too few per cent",
      `mirror: {host: a}, mirrorPercentage: {value: -0.1}, ${TO}`,
      "HDL0027 Error spec.http[0].mirrorPercentage.value",
    ],
    [
      "a status of 99",
      `fault: {abort: {httpStatus: 99}}, ${TO}`,
      "HDL0028 Error spec.http[0].fault.abort.httpStatus",
    ],
    [
      "a gRPC status",
      `fault: {abort: {grpcStatus: NOPE}}, ${TO}`,
      "HDL0028 Error spec.http[0].fault.abort.grpcStatus",
    ],
    ["an empty fault", `fault: {}, ${TO}`, "HDL0023 Error spec.http[0].fault"],
    [
      "an abort without status",
      `fault: {abort: {percentage: {value: 1}}}, ${TO}`,
      "HDL0032 Warning spec.http[0].fault.abort",
    ],
    [
      "two errors of one abort",
      `fault: {abort: {httpStatus: 500, grpcStatus: OK}}, ${TO}`,
      "HDL0022 Error spec.http[0].fault.abort",
    ],
    [
      "an unknown condition",
      `retries: {attempts: 1, retryOn: 5xxx}, ${TO}`,
      "HDL0028 Error spec.http[0].retries.retryOn",
    ],
    [
      "detail of no retries",
      `retries: {attempts: 0, retryOn: 5xx}, ${TO}`,
      "HDL0032 Error spec.http[0].retries",
    ],
    ["a redirect of nothing", "redirect: {}", "HDL0023 Error spec.http[0].redirect"],
    [
      "a redirect's code",
      "redirect: {uri: /x, redirectCode: 200}",
      "HDL0028 Error spec.http[0].redirect.redirectCode",
    ],
    [
      "two ports of a redirect",
      "redirect: {port: 80, derivePort: FROM_REQUEST_PORT}",
      "HDL0022 Error spec.http[0].redirect",
    ],
    ["a rewrite of nothing", `rewrite: {}, ${TO}`, "HDL0023 Error spec.http[0].rewrite"],
    [
      "two rewrites",
      `rewrite: {uri: /, uriRegexRewrite: {match: a, rewrite: b}}, ${TO}`,
      "HDL0022 Error spec.http[0].rewrite.uriRegexRewrite",
    ],
    [
      "an authority that changes twice",
      `rewrite: {authority: a}, headers: {request: {set: {host: b}}}, ${TO}`,
      "HDL0022 Error spec.http[0].rewrite.authority",
    ],
    [
      "a header that cannot change",
      `headers: {response: {set: {":status": "200"}}}, ${TO}`,
      'HDL0026 Error spec.http[0].headers.response.set[":status"]',
    ],
    [
      "a stray per cent",
      `headers: {request: {set: {x: "50%"}}}, ${TO}`,
      "HDL0026 Error spec.http[0].headers.request.set.x",
    ],
    [
      "an unknown method",
      `corsPolicy: {allowMethods: [FETCH]}, ${TO}`,
      "HDL0013 Error spec.http[0].corsPolicy.allowMethods[0]",
    ],
    [
      "a deprecated field",
      `mirror: {host: a}, mirrorPercent: 5, ${TO}`,
      "HDL0031 Warning spec.http[0].mirrorPercent",
    ],
    ["a delegate without a name", "delegate: {}", "HDL0023 Error spec.http[0].delegate.name"],
    [
      "an answer in place of a delegate's",
      "delegate: {name: x}, directResponse: {status: 200}",
      "HDL0032 Warning spec.http[0].directResponse",
    ],
  ])("tells of %s", (_, more, expected) => {
    expect(found("VirtualService", route(more))).toEqual([expected]);
  });

  test.each([
    ["* for sidecars", `{hosts: ["*"], http: [{${TO}}]}`, "HDL0020 Error spec.hosts[0]"],
    ["a host that is none", `{hosts: [a_b], http: [{${TO}}]}`, "HDL0020 Error spec.hosts[0]"],
    ["a wildcard inside", `{hosts: ["a.*.com"], http: [{${TO}}]}`, "HDL0020 Error spec.hosts[0]"],
    ["a host twice", `{hosts: [a, a], http: [{${TO}}]}`, "HDL0029 Error spec.hosts[1]"],
    [
      "hosts that cover each other",
      `{hosts: ["*.com", a.com], http: [{${TO}}]}`,
      "HDL0029 Error spec.hosts[1]",
    ],
    ["no routes", "{hosts: [a]}", "HDL0023 Error spec"],
    [
      "a gateway's name",
      `{hosts: [a], gateways: [a/b/c], http: [{${TO}}]}`,
      "HDL0020 Error spec.gateways[0]",
    ],
    [
      "exportTo twice",
      `{hosts: [a], exportTo: [".", default], http: [{${TO}}]}`,
      "HDL0029 Error spec.exportTo[1]",
    ],
    [
      "exportTo * and others",
      `{hosts: [a], exportTo: ["*", b], http: [{${TO}}]}`,
      "HDL0033 Error spec.exportTo",
    ],
  ])("tells of %s", (_, spec, expected) => {
    expect(found("VirtualService", spec)).toContain(expected);
  });
});

describe("DestinationRule", () => {
  const policy = (text: string) => `{host: a, trafficPolicy: {${text}}}`;

  test.each([
    ["a host alone", "{host: a}"],
    [
      "all of a pool",
      policy(
        "connectionPool: {tcp: {maxConnections: 1, connectTimeout: 30ms}, http: {http1MaxPendingRequests: 1}}",
      ),
    ],
    [
      "outliers",
      policy("outlierDetection: {consecutive5xxErrors: 1, interval: 1s, maxEjectionPercent: 100}"),
    ],
    ["mesh TLS", policy("tls: {mode: ISTIO_MUTUAL}")],
    ["a hash", policy("loadBalancer: {consistentHash: {httpCookie: {name: user, ttl: 0s}}}")],
    [
      "a port's policy",
      policy("portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM}}]"),
    ],
  ])("takes %s", (_, spec) => expect(found("DestinationRule", spec)).toEqual([]));

  const at = "spec.trafficPolicy";
  test.each([
    ["a host of none", "{host: ''}", "HDL0020 Error spec.host"],
    ["no host", "{}", "HDL0012 Error spec.host"],
    [
      "subsets twice",
      "{host: a, subsets: [{name: v1}, {name: v1}]}",
      "HDL0029 Error spec.subsets[1].name",
    ],
    ["a subset's name", "{host: a, subsets: [{name: v_1}]}", "HDL0017 Error spec.subsets[0].name"],
    ["an empty policy", "{host: a, trafficPolicy: {}}", `HDL0023 Error ${at}`],
    ["an empty pool", policy("connectionPool: {}"), `HDL0023 Error ${at}.connectionPool`],
    [
      "a slip",
      policy("loadBalancer: {simple: ROUND_ROBBIN}"),
      `HDL0013 Error ${at}.loadBalancer.simple`,
    ],
    [
      "two balancers",
      policy("loadBalancer: {simple: RANDOM, consistentHash: {useSourceIp: true}}"),
      `HDL0022 Error ${at}.loadBalancer`,
    ],
    [
      "two hashes",
      policy("loadBalancer: {consistentHash: {useSourceIp: true, httpHeaderName: x}}"),
      `HDL0022 Error ${at}.loadBalancer.consistentHash`,
    ],
    [
      "a table that is not prime",
      policy("loadBalancer: {consistentHash: {useSourceIp: true, maglev: {tableSize: 100}}}"),
      `HDL0014 Error ${at}.loadBalancer.consistentHash.maglev.tableSize`,
    ],
    [
      "a per cent of 101",
      policy("outlierDetection: {maxEjectionPercent: 101}"),
      `HDL0014 Error ${at}.outlierDetection.maxEjectionPercent`,
    ],
    [
      "failures that do not count",
      policy("outlierDetection: {consecutiveLocalOriginFailures: 5}"),
      `HDL0032 Error ${at}.outlierDetection.consecutiveLocalOriginFailures`,
    ],
    [
      "MUTUAL without certificates",
      policy("tls: {mode: MUTUAL, privateKey: /k}"),
      `HDL0030 Error ${at}.tls`,
    ],
    [
      "certificates twice",
      policy("tls: {mode: SIMPLE, credentialName: c, caCertificates: /ca}"),
      `HDL0030 Error ${at}.tls.caCertificates`,
    ],
    [
      "a port twice",
      policy(
        "portLevelSettings: [{port: {number: 80}, tls: {mode: DISABLE}}, {port: {number: 80}, tls: {mode: DISABLE}}]",
      ),
      `HDL0029 Error ${at}.portLevelSettings[1].port`,
    ],
    [
      "weights of localities",
      policy('loadBalancer: {localityLbSetting: {distribute: [{from: a/*, to: {"a/*": 70}}]}}'),
      `HDL0034 Error ${at}.loadBalancer.localityLbSetting.distribute[0].to`,
    ],
    [
      "localities that overlap",
      policy(
        'loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {"b/*": 50, "b/c": 50}}]}}',
      ),
      `HDL0034 Error ${at}.loadBalancer.localityLbSetting.distribute[0].to`,
    ],
    [
      "a tunnel by another method",
      policy("tunnel: {protocol: PUT, targetHost: a.com, targetPort: 443}"),
      `HDL0013 Error ${at}.tunnel.protocol`,
    ],
  ])("tells of %s", (_, spec, expected) => {
    expect(found("DestinationRule", spec)).toEqual([expected]);
  });
});

describe("Gateway", () => {
  const server = (protocol: string, more = "", host = '"*"') =>
    `{servers: [{port: {number: 443, name: p, protocol: ${protocol}}, hosts: [${host}]${more}}]}`;

  test.each([
    ["HTTP", server("HTTP")],
    ["a redirect to HTTPS", server("HTTP", ", tls: {httpsRedirect: true}")],
    ["HTTPS with a credential", server("HTTPS", ", tls: {mode: SIMPLE, credentialName: c}")],
    ["hosts of namespaces", server("HTTP", "", '"./a.com", "*/b.com", "ns/*.c.com"')],
  ])("takes %s", (_, spec) => expect(found("Gateway", spec)).toEqual([]));

  const tls = "spec.servers[0].tls";
  test.each([
    ["no servers", "{}", "HDL0023 Error spec.servers"],
    ["no hosts", server("HTTP", "", ""), "HDL0023 Error spec.servers[0].hosts"],
    ["a protocol of none", server("HTTPX"), "HDL0013 Error spec.servers[0].port.protocol"],
    ["HTTPS without TLS", server("HTTPS"), "HDL0030 Error spec.servers[0]"],
    [
      "HTTP with TLS",
      server("HTTP", ", tls: {mode: SIMPLE, credentialName: c}"),
      `HDL0030 Error ${tls}`,
    ],
    ["SIMPLE without credential", server("HTTPS", ", tls: {mode: SIMPLE}"), `HDL0030 Error ${tls}`],
    [
      "MUTUAL without roots",
      server("HTTPS", ", tls: {mode: MUTUAL, serverCertificate: /c, privateKey: /k}"),
      `HDL0030 Error ${tls}`,
    ],
    [
      "mesh TLS with a credential",
      server("HTTPS", ", tls: {mode: ISTIO_MUTUAL, credentialName: c}"),
      `HDL0030 Error ${tls}.credentialName`,
    ],
    [
      "two credentials",
      server("HTTPS", ", tls: {mode: SIMPLE, credentialName: c, credentialNames: [d]}"),
      `HDL0022 Error ${tls}`,
    ],
    ["a short host", server("HTTP", "", "shop"), "HDL0020 Error spec.servers[0].hosts[0]"],
    ["a wildcard inside", server("HTTP", "", '"*a.com"'), "HDL0020 Error spec.servers[0].hosts[0]"],
    [
      "a cipher suite of none",
      server("HTTPS", ", tls: {mode: SIMPLE, credentialName: c, cipherSuites: [X]}"),
      `HDL0032 Warning ${tls}.cipherSuites[0]`,
    ],
  ])("tells of %s", (_, spec, expected) => expect(found("Gateway", spec)).toContain(expected));

  test("names of ports are unique", () => {
    const one = "{port: {number: 80, name: p, protocol: HTTP}, hosts: [a.com]}";
    expect(found("Gateway", `{servers: [${one}, ${one}]}`)).toEqual([
      "HDL0029 Error spec.servers[1].port.name",
    ]);
  });
});

describe("PeerAuthentication", () => {
  test.each([
    [
      "ports without a selector",
      '{portLevelMtls: {"80": {mode: STRICT}}}',
      "HDL0035 Error spec.portLevelMtls",
    ],
    [
      "a port of 0",
      '{selector: {matchLabels: {a: b}}, portLevelMtls: {"0": {}}}',
      'HDL0014 Error spec.portLevelMtls["0"]',
    ],
    ["a mode of none", "{mtls: {mode: STRICTER}}", "HDL0013 Error spec.mtls.mode"],
    [
      "a wildcard",
      '{selector: {matchLabels: {a: "*"}}}',
      "HDL0017 Error spec.selector.matchLabels.a",
    ],
    ["an empty selector", "{selector: {}}", "HDL0032 Warning spec.selector"],
  ])("tells of %s", (_, spec, expected) => {
    expect(found("PeerAuthentication", spec)).toEqual([expected]);
  });
});

describe("Fallback", () => {
  test.each([
    ["nothing to fall back to", "{host: a}", "HDL0023 Error spec"],
    ["itself", "{host: a, destination: {host: a}}", "HDL0032 Warning spec.destination"],
    [
      "no failure",
      "{host: a, statuses: [200], response: {status: 200}}",
      "HDL0028 Error spec.statuses[0]",
    ],
    ["no status", "{host: a, response: {status: 100}}", "HDL0028 Error spec.response.status"],
    [
      "no header",
      '{host: a, response: {status: 200, headers: {"a b": c}}}',
      'HDL0026 Error spec.response.headers["a b"]',
    ],
    [
      "an empty route",
      '{host: a, routes: [""], response: {status: 200}}',
      "HDL0023 Error spec.routes[0]",
    ],
    ["a host that is none", "{host: a_b, response: {status: 200}}", "HDL0020 Error spec.host"],
  ])("tells of %s", (_, spec, expected) => {
    expect(found("Fallback", spec)).toEqual([expected]);
  });
});

describe("Redaction", () => {
  const rule = (text: string) => `rules: [${text}]`;
  test.each([
    ["the secrets alone", "secrets: REDACT"],
    ["a place", rule("{where: {attributes: [user.*]}, how: {hash: true}}")],
    ["something to be found", rule('{what: {detectors: [EMAIL], regex: "cust-[0-9]{1,20}"}}')],
    ["something in a signal", rule("{where: {signals: [LOGS]}, what: {detectors: [JWT]}}")],
    [
      "a wide name with what is found there",
      rule('{where: {attributes: ["*"]}, what: {regex: a}}'),
    ],
  ])("takes %s", (_, spec) => expect(found("Redaction", spec)).toEqual([]));

  test.each([
    ["nothing", "selector: {matchLabels: {a: b}}", "HDL0023 Error spec"],
    ["a rule for everything", rule("{how: {drop: true}}"), "HDL0023 Error spec.rules[0]"],
    ["a signal alone", rule("{where: {signals: [LOGS]}}"), "HDL0023 Error spec.rules[0]"],
    ["nothing to be found", rule("{what: {}}"), "HDL0023 Error spec.rules[0].what"],
    ["a body that is none", rule("{where: {body: false}}"), "HDL0023 Error spec.rules[0]"],
    ["no form", rule("{where: {body: true}, how: {}}"), "HDL0023 Error spec.rules[0].how"],
    [
      "two forms",
      rule("{where: {body: true}, how: {hash: true, drop: true}}"),
      "HDL0022 Error spec.rules[0].how",
    ],
    [
      "an expression that RE2 has not",
      rule('{what: {regex: "(?=a)"}}'),
      "HDL0021 Error spec.rules[0].what.regex",
    ],
    [
      "an expression of many steps",
      rule('{what: {regex: "(?:abcdefghijklmnopqrst){1000}"}}'),
      "HDL0070 Error spec.rules[0].what.regex",
    ],
    [
      "names that are none",
      rule("{where: {queryParameters: []}}"),
      "HDL0070 Error spec.rules[0].where.queryParameters",
    ],
    [
      "signals that are none",
      rule("{where: {signals: [], body: true}}"),
      "HDL0070 Error spec.rules[0].where.signals",
    ],
    [
      "a name twice",
      rule("{name: a, where: {body: true}}, {name: a, where: {path: true}}"),
      "HDL0070 Error spec.rules[1].name",
    ],
    [
      "all of a card's number kept",
      rule("{where: {body: true}, how: {keepLast: 16}}"),
      "HDL0070 Error spec.rules[0].how.keepLast",
    ],
    [
      "a long mask",
      rule(`{where: {body: true}, how: {mask: "${"x".repeat(65)}"}}`),
      "HDL0070 Error spec.rules[0].how.mask",
    ],
    [
      "a form that says nothing",
      rule("{where: {body: true}, how: {hash: false}}"),
      "HDL0070 Error spec.rules[0].how.hash",
    ],
    [
      "names that telemetry is told apart by",
      rule('{where: {attributes: ["*name"]}}'),
      "HDL0071 Warning spec.rules[0].where.attributes",
    ],
  ])("tells of %s", (_, spec, finding) => expect(found("Redaction", spec)).toEqual([finding]));
});
