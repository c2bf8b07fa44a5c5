/** What holds of parsing whatever is parsed. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDocuments } from "./parse-documents.ts";
import { parseObject } from "./parse-object.ts";
import { toDocument } from "./to-document.ts";

const DOCUMENTS: readonly object[] = [
  {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name: "reviews", labels: { a: "b" }, creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      hosts: ["reviews", "*.example.com"],
      gateways: ["mesh", "ns/edge"],
      exportTo: ["."],
      http: [
        {
          name: "r",
          match: [
            { uri: { prefix: "/a" }, headers: { "x-user": { exact: "jason" }, any: {} }, port: 80 },
            { method: { regex: "GET|PUT" }, sourceLabels: { app: "x" } },
          ],
          route: [
            { destination: { host: "reviews", subset: "v1", port: { number: 80 } }, weight: 80 },
            {
              destination: { host: "reviews", subset: "v2" },
              weight: 20,
              headers: { request: { add: { a: "b" } } },
            },
          ],
          timeout: "5s",
          retries: { attempts: 3, perTryTimeout: "1s", retryOn: "5xx" },
          fault: { delay: { fixedDelay: "1s", percentage: { value: 10 } } },
          mirrors: [{ destination: { host: "b" }, percentage: { value: 1.5 } }],
          corsPolicy: { allowOrigins: [{ exact: "https://a" }], maxAge: "24h" },
        },
        { match: [{ uri: { exact: "/b" } }], redirect: { uri: "/c", redirectCode: 301 } },
      ],
    },
  },
  {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "DestinationRule",
    metadata: { name: "reviews", namespace: "shop" },
    spec: {
      host: "reviews",
      trafficPolicy: {
        loadBalancer: {
          consistentHash: {
            httpCookie: { name: "c", ttl: "0s" },
            ringHash: { minimumRingSize: 8 },
          },
        },
        connectionPool: { tcp: { maxConnections: 5 }, http: { http2MaxRequests: 7 } },
        outlierDetection: { consecutive5xxErrors: 3, interval: "10s" },
        tls: { mode: "SIMPLE", sni: "a" },
        portLevelSettings: [{ port: { number: 80 }, tls: { mode: "DISABLE" } }],
      },
      subsets: [{ name: "v1", labels: { version: "v1" } }],
    },
  },
  {
    apiVersion: "networking.istio.io/v1",
    kind: "Gateway",
    metadata: { name: "edge" },
    spec: {
      selector: { istio: "ingressgateway" },
      servers: [
        {
          port: { number: 443, name: "https", protocol: "HTTPS" },
          hosts: ["*.a.com"],
          tls: { mode: "SIMPLE", credentialName: "c" },
        },
      ],
    },
  },
  {
    apiVersion: "security.istio.io/v1",
    kind: "PeerAuthentication",
    metadata: { name: "p" },
    spec: {
      selector: { matchLabels: { app: "a" } },
      mtls: { mode: "STRICT" },
      portLevelMtls: { "80": { mode: "DISABLE" } },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s", annotations: { a: "b" } },
    spec: {
      clusterIP: "10.0.0.1",
      ports: [{ name: "http", port: 80, targetPort: "web" }],
      extra: { deep: [1] },
    },
    status: { loadBalancer: {} },
  },
  {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "s-1" },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "http", port: 80 }],
  },
  { apiVersion: "v1", kind: "Namespace", metadata: { name: "n" } },
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s" },
    type: "Opaque",
    data: { a: "YQ==" },
  },
];

test.each(DOCUMENTS)("$kind: reading its document form gives an equal object", (document) => {
  const { object, diagnostics } = parseObject(document);
  expect(diagnostics).toEqual([]);
  expect(parseObject(toDocument(object!))).toEqual({ object, diagnostics: [] });
});

type Steps = readonly (string | number)[];

/** Every place in a value. */
function placesOf(value: unknown, at: Steps = []): Steps[] {
  if (typeof value !== "object" || value === null) return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([name, inner]) =>
      placesOf(inner, [...at, Array.isArray(value) ? Number(name) : name]),
    ),
  ];
}

function replace(value: unknown, [step, ...rest]: Steps, by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value))
    return value.map((item, i) => (i === step ? replace(item, rest, by) : item));
  const fields = value as Record<string, unknown>;
  return { ...fields, [step]: replace(fields[step], rest, by) };
}

const mutated = fc
  .constantFrom(...DOCUMENTS)
  .chain((document) =>
    fc.tuple(
      fc.constant(document),
      fc.constantFrom(...placesOf(document)),
      fc.jsonValue({ maxDepth: 3 }),
    ),
  )
  .map(([document, place, value]) => replace(document, place, value));

const DOCUMENT_OF_SLICE = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "s-1" },
  endpoints: [{ addresses: ["10.0.0.1"] }],
  ports: [{ port: 80 }],
};

test("a value that has no text is refused like any other", () => {
  const document = { ...DOCUMENT_OF_SLICE, addressType: { toString: false } };
  expect(parseObject(document).diagnostics).toMatchObject([{ code: "HDL0013" }]);
});

test("a document with anything in any place is answered and never throws", () => {
  fc.assert(
    fc.property(mutated, (document) => {
      const { object, diagnostics } = parseObject(document, { file: "f" });
      // Either there is an object, or it is said why not.
      expect(object !== undefined || diagnostics.length > 0).toBe(true);
      for (const { message, code, origin } of diagnostics) {
        expect(code).toMatch(/^HDL\d{4}$/);
        expect(message.length).toBeGreaterThan(0);
        expect(origin.length).toBeGreaterThan(0);
      }
      if (object) expect(parseObject(toDocument(object)).object).toEqual(object);
    }),
    { numRuns: 3000 },
  );
});

test("any text is answered and never throws", () => {
  const pieces = fc.constantFrom(
    "a",
    ": ",
    "\n",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "&x ",
    "*x",
    "---\n",
    "|",
    "\t",
    "<<: ",
    "1",
    "null",
    "kind: Service\n",
    "apiVersion: v1\n",
    "!!binary ",
    "%",
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const { objects, diagnostics } = parseDocuments(parts.join(""), { file: "f" });
      for (const { reference } of diagnostics) expect(reference).toMatch(/^f:\d+$/);
      expect(objects).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test("parsing what was parsed changes nothing, whatever the order of fields", () => {
  fc.assert(
    fc.property(fc.constantFrom(...DOCUMENTS), (document) => {
      const reversed = Object.fromEntries(Object.entries(document).toReversed());
      expect(parseObject(reversed)).toEqual(parseObject(document));
    }),
  );
});
