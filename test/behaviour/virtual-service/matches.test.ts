/** Which requests a rule takes, by every part of a request that it may look at. */
import type { HTTPMatchRequest } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { service, virtualService } from "../../harness/objects.ts";
import type { Asking } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const REVIEWS = "127.160.0.2";

interface MatchCase {
  readonly field: string;
  readonly title: string;
  readonly match: HTTPMatchRequest;
  readonly taken: readonly Asking[];
  readonly left: readonly Asking[];
  /** The path without the query; its own for each case unless told otherwise. */
  readonly query?: { readonly taken: readonly string[]; readonly left: readonly string[] };
}

const header = (name: string, value: string): Asking => ({ headers: { [name]: value } });

const CASES: readonly MatchCase[] = [
  {
    field: "method.prefix",
    title: "matches a method by its beginning",
    match: { method: { prefix: "P" } },
    taken: [{ method: "PUT" }, { method: "POST" }],
    left: [{}, { method: "DELETE" }],
  },
  {
    field: "method.regex",
    title: "matches a method by a regular expression on the whole of it",
    match: { method: { regex: "PUT|POS" } },
    taken: [{ method: "PUT" }],
    left: [{}, { method: "POST" }],
  },
  {
    field: "scheme.exact",
    title: "matches the scheme that the client used, as a proxy in front tells it",
    match: { scheme: { exact: "https" } },
    taken: [header("x-forwarded-proto", "https")],
    left: [{}, header("x-forwarded-proto", "http")],
  },
  {
    field: "scheme.prefix",
    title: "matches the beginning of the scheme",
    match: { scheme: { prefix: "https" } },
    taken: [header("x-forwarded-proto", "https")],
    left: [{}],
  },
  {
    field: "scheme.regex",
    title: "matches the scheme by a regular expression on the whole of it",
    match: { scheme: { regex: "ht+p" } },
    taken: [{}],
    left: [header("x-forwarded-proto", "https")],
  },
  {
    field: "headers{}.prefix",
    title: "matches the beginning of a header",
    match: { headers: { "end-user": { prefix: "ja" } } },
    taken: [header("end-user", "jason"), header("End-User", "ja")],
    left: [{}, header("end-user", "j"), header("end-user", "xja")],
  },
  {
    field: "withoutHeaders{}.prefix",
    title: "takes no request with a header that begins so",
    match: { withoutHeaders: { "end-user": { prefix: "ja" } } },
    taken: [{}, header("end-user", "xja")],
    left: [header("end-user", "jason")],
  },
  {
    field: "withoutHeaders{}.regex",
    title: "takes no request with a header that a regular expression covers",
    match: { withoutHeaders: { "end-user": { regex: "j.*n" } } },
    taken: [{}, header("end-user", "jasons")],
    left: [header("end-user", "jason")],
  },
  {
    field: "queryParams{}.prefix",
    title: "matches the beginning of a query parameter",
    match: { queryParams: { q: { prefix: "ab" } } },
    taken: [],
    left: [],
    query: { taken: ["q=ab", "x=1&q=abc"], left: ["", "q=a", "q=xab"] },
  },
  {
    field: "queryParams{}.regex",
    title: "matches a query parameter by a regular expression on the whole of it",
    match: { queryParams: { q: { regex: "[0-9]+" } } },
    taken: [],
    left: [],
    query: { taken: ["q=12"], left: ["", "q=12x", "r=12"] },
  },
];

const AUTHORITIES: readonly MatchCase[] = [
  {
    field: "authority.exact",
    title: "matches the whole authority",
    match: { authority: { exact: `reviews.default:${PORT}` } },
    taken: [header("host", `reviews.default:${PORT}`)],
    left: [header("host", `reviews:${PORT}`), header("host", `reviews.default.svc:${PORT}`)],
  },
  {
    field: "authority.prefix",
    title: "matches the beginning of the authority",
    match: { authority: { prefix: "reviews.default" } },
    taken: [
      header("host", `reviews.default:${PORT}`),
      header("host", `reviews.default.svc:${PORT}`),
    ],
    left: [header("host", `reviews:${PORT}`)],
  },
  {
    field: "authority.regex",
    title: "matches the authority by a regular expression on the whole of it",
    match: { authority: { regex: `[a-z]+:${PORT}` } },
    taken: [header("host", `reviews:${PORT}`)],
    left: [header("host", `reviews.default:${PORT}`)],
  },
];

const pathOf = ({ field }: MatchCase) => `/${field.replace("{}", "")}`;

describe.skipIf(!envoyBinary)("matches of a VirtualService", () => {
  const mesh = startedMesh({
    workloads: { client: { address: "127.160.0.1" }, reviews: { address: REVIEWS, ports: [PORT] } },
    objects: [
      ...service("reviews", [{ name: "http", port: PORT }], [REVIEWS]),
      virtualService("reviews", {
        hosts: ["reviews"],
        http: [
          ...[...CASES, ...AUTHORITIES].map((each) => ({
            match: [{ ...each.match, uri: { exact: pathOf(each) } }],
            directResponse: { status: 299 },
          })),
          { route: [{ destination: { host: "reviews" } }] },
        ],
      }),
    ],
  });

  const status = async (path: string, asking: Asking) => {
    const { host = `reviews:${PORT}` } = (asking.headers ?? {}) as { host?: string };
    return (await mesh.get("client", host, path, asking)).status;
  };

  for (const each of [...CASES, ...AUTHORITIES])
    proves("VirtualService", [`http[].match[].${each.field}`], each.title, async () => {
      const path = pathOf(each);
      for (const asking of each.taken)
        expect(await status(path, asking), JSON.stringify(asking)).toBe(299);
      for (const asking of each.left)
        expect(await status(path, asking), JSON.stringify(asking)).toBe(200);
      for (const query of each.query?.taken ?? [])
        expect(await status(`${path}?${query}`, {}), query).toBe(299);
      for (const query of each.query?.left ?? [])
        expect(await status(`${path}?${query}`, {}), query).toBe(200);
    });
});
