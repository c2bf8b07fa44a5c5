/** What routes of random VirtualServices do beside choosing a destination. */
import type { HTTPRoute } from "@heddle/model";
import fc from "fast-check";

export interface RouteFeatures {
  /** Beside the destination of a route. */
  readonly more: Partial<HTTPRoute>;
  /** Routes that answer by themselves. */
  readonly answers: readonly HTTPRoute[];
}

const DESTINATION = { host: "one.a.svc.cluster.local" };

const faults = fc.constantFrom<HTTPRoute["fault"]>(
  { abort: { httpStatus: 503, percentage: { value: 10 } } },
  { delay: { fixedDelay: "2s", percentage: { value: 50 } } },
);
const retries = fc.constantFrom<HTTPRoute["retries"]>(
  { attempts: 0 },
  { attempts: 3, perTryTimeout: "1s", retryOn: "5xx,reset" },
);
const mirrors = fc.constantFrom<HTTPRoute["mirrors"]>(
  [{ destination: DESTINATION }],
  [
    { destination: { ...DESTINATION, subset: "v1" }, percentage: { value: 10 } },
    { destination: { host: "two.b.svc.cluster.local" } },
  ],
);
const headers = fc.constantFrom<HTTPRoute["headers"]>(
  { request: { set: { "x-a": "1" }, remove: ["x-b"] } },
  { response: { add: { "x-c": "2" } } },
);
const rewrite = fc.constantFrom<HTTPRoute["rewrite"]>(
  { uri: "/new" },
  { authority: "new.test" },
  { uriRegexRewrite: { match: "^/a/(.*)", rewrite: "/\\1" } },
);
const corsPolicy = fc.constant<HTTPRoute["corsPolicy"]>({
  allowOrigins: [{ exact: "https://shop.test" }, { regex: "https://.*[.]test" }],
  allowMethods: ["GET"],
  maxAge: "60s",
});

const answers = fc.uniqueArray(
  fc.constantFrom<HTTPRoute>(
    { match: [{ uri: { exact: "/old" } }], redirect: { uri: "/new", redirectCode: 301 } },
    {
      match: [
        {
          headers: { "@request.auth.claims.group": { exact: "gold" } },
          withoutHeaders: { "@request.auth.claims[a][b]": {} },
        },
      ],
      redirect: { uri: "/gold" },
    },
    { match: [{ uri: { exact: "/gone" } }], directResponse: { status: 410 } },
    {
      match: [{ method: { exact: "POST" }, headers: { "x-kind": { prefix: "a" } } }],
      redirect: { authority: "elsewhere.test", scheme: "https" },
    },
    {
      match: [{ queryParams: { kind: { exact: "b" } }, withoutHeaders: { "x-kind": {} } }],
      route: [
        { destination: DESTINATION, weight: 20, headers: { request: { add: { "x-d": "3" } } } },
        { destination: { host: "two.b.svc.cluster.local" }, weight: 80 },
      ],
    },
  ),
  { maxLength: 2 },
);

/** Each of them in one of three rules or so. */
export const routeFeatures: fc.Arbitrary<RouteFeatures> = fc.record({
  more: fc.record(
    {
      fault: faults,
      retries,
      mirrors,
      headers,
      rewrite,
      corsPolicy,
      timeout: fc.constantFrom("0s", "3s"),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Partial<HTTPRoute>>,
  answers,
});
