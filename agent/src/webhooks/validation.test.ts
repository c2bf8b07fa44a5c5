/** What the validating webhook answers, without its server. */
import { expect, it } from "vitest";
import type { MeshObject } from "@heddle/model";
import { createValidator } from "./validation.ts";

const rule = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name, namespace: "shop", ...metadata },
  spec,
});
const route = (host: string) => ({
  hosts: ["web"],
  http: [{ route: [{ destination: { host } }] }],
});
const review = (object: unknown, more: object = {}) => ({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: { uid: "u-1", operation: "CREATE", namespace: "shop", object, ...more },
});

interface Response {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings?: readonly string[];
  readonly status?: { readonly code: number; readonly message: string };
}

const service = (name: string): MeshObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "shop", labels: {}, annotations: {} },
  spec: { ports: [{ name: "http", port: 80 }] },
});

/** Where nothing is known of services, nothing is missing. */
function started() {
  const validator = createValidator({
    objects: () => [service("web")],
    settings: () => ({ rootNamespace: "istio-system", clusterDomain: "cluster.local" }),
  });
  const ask = (object: unknown, more?: object) =>
    (validator.review(review(object, more)) as { response: Response }).response;
  return { validator, ask };
}

it("refuses what is wrong, with code, place and remedy", () => {
  const { ask } = started();
  const response = ask(rule("web", { hosts: ["web"], http: [{ timeout: "soon" }], quantum: 1 }));
  expect(response).toMatchObject({ uid: "u-1", allowed: false, status: { code: 422 } });
  expect(response.status?.message).toMatch(
    /^heddle: HDL\d{4} .*\(spec\.http\[0\]\.timeout\)\..*HDL0010 .*quantum/,
  );
});

it("lists five errors, and counts the others", () => {
  const spec = {
    hosts: ["web"],
    ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`x${i}`, 1])),
  };
  const message = started().ask(rule("web", spec)).status?.message ?? "";
  expect(message.match(/HDL0010/g)).toHaveLength(5);
  expect(message).toMatch(/ And \d+ more\.$/);
});

it("warns of what an object does to its mesh, at most ten times, and keeps nothing of it", () => {
  const { ask } = started();
  const [warning] = ask(rule("web", route("nowhere"))).warnings ?? [];
  expect(warning).toMatch(/^heddle: IST0101 .*nowhere.*spec\.http/);
  const many = {
    hosts: ["web"],
    http: Array.from({ length: 30 }, (_, i) => ({
      match: [{ uri: { prefix: `/${i}` } }],
      route: [{ destination: { host: `nowhere-${i}` } }],
    })),
  };
  const { allowed, warnings = [] } = ask(rule("web", many));
  expect([allowed, warnings.length]).toEqual([true, 10]);
  expect(warnings[9]).toMatch(/21 more findings/);
  for (const each of warnings) expect(each.length).toBeLessThanOrEqual(250);
  // A rival would be found if the first were still there.
  expect(
    ask(
      rule("other", { hosts: ["web"], http: [{ route: [{ destination: { host: "nowhere" } }] }] }),
    ).warnings,
  ).toHaveLength(1);
});

it("knows the mesh as it changes", () => {
  const { validator, ask } = started();
  expect(ask(rule("web", route("api"))).warnings).toHaveLength(1);
  validator.changed([{ key: "core/Service/shop/api", object: service("api") }]);
  expect(ask(rule("web", route("api"))).warnings).toBeUndefined();
  validator.changed([{ key: "core/Service/shop/api", object: null }]);
  expect(ask(rule("web", route("api"))).warnings).toHaveLength(1);
});

it("lets a bad object be labelled and deleted, but not be written anew", () => {
  const { ask } = started();
  const bad = { hosts: ["web"], quantum: 1 };
  const update = { operation: "UPDATE", oldObject: rule("web", bad) };
  expect(ask(rule("web", bad, { labels: { a: "b" } }), update).allowed).toBe(true);
  expect(ask(rule("web", { ...bad, other: 1 }), update).allowed).toBe(false);
  const going = rule("web", { ...bad, other: 1 }, { deletionTimestamp: "2030-01-01T00:00:00Z" });
  expect(ask(going, update).allowed).toBe(true);
});

it("lets through what is no rule of a mesh, and answers nothing that is no review", () => {
  const { validator, ask } = started();
  expect(ask({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "x" } })).toEqual({
    uid: "u-1",
    allowed: true,
  });
  expect(ask({ apiVersion: "v1", kind: "Service", metadata: {}, spec: 1 }).allowed).toBe(true);
  expect(ask(null).allowed).toBe(true);
  for (const none of [undefined, "text", {}, { kind: "AdmissionReview" }])
    expect(validator.review(none)).toBeUndefined();
});
