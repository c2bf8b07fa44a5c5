import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { type JWTRule, type MeshObject, objectKey } from "@heddle/model";
import type { SigningKeysState } from "@heddle/translate";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { requestAuthentication } from "../../../test/harness/objects.ts";
import { type KeyServer, startKeyServer } from "../../../test/harness/token-issuer.ts";
import { createGuard, parseAllowed } from "./guard.ts";
import { createIssuersKeys, type IssuersKeys } from "./issuers-keys.ts";
import { refreshAfter, type RefreshTimes } from "./refresh.ts";

const ADDRESS = "127.0.0.1";
const key = (kid: string) => ({
  kty: "OKP",
  kid,
  crv: "Ed25519",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
});
/** Of members in the order in which they were given. */
const textOf = (...kids: readonly string[]) =>
  `{"keys":[${kids.map((kid) => JSON.stringify(key(kid))).join(",")}]}`;

/** What the server has; the paths are fixed. */
const served: { keys: object | undefined; age: string | undefined; delay: number } = {
  ...{ keys: undefined, age: undefined, delay: 0 },
};
const answer: RequestListener = (_, response) => {
  const headers = served.age === undefined ? {} : { "cache-control": served.age };
  setTimeout(() => {
    response.writeHead(served.keys ? 200 : 503, headers).end(JSON.stringify(served.keys));
  }, served.delay);
};
let server: KeyServer;
let directory: string;
const running: IssuersKeys[] = [];

beforeAll(async () => {
  server = await startKeyServer(ADDRESS, 0, {
    "/keys": answer,
    "/issuer/.well-known/openid-configuration": (_, response) =>
      void response.end(JSON.stringify({ jwks_uri: `${server.base}/keys` })),
    "/silent/.well-known/openid-configuration": (_, response) => void response.end("{}"),
  });
});
afterAll(() => server.stop());
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "jwks-"));
  Object.assign(served, { keys: { keys: [key("one")] }, age: undefined, delay: 0 });
});
afterEach(async () => {
  for (const each of running.splice(0)) await each.close();
  await rm(directory, { recursive: true });
});

/** Long enough for a test not to see it. */
const NEVER: RefreshTimes = { usual: 60_000, least: 60_000, most: 60_000 };

function started(
  rules: readonly JWTRule[],
  { refresh = NEVER, allow = [ADDRESS] }: { refresh?: RefreshTimes; allow?: string[] } = {},
) {
  const policy = requestAuthentication("tokens", { jwtRules: rules });
  const objects = new Map<string, MeshObject>([[objectKey(policy), policy]]);
  const states = new Map<string, SigningKeysState | undefined>();
  const told: string[] = [];
  const keys = createIssuersKeys({
    directory: {
      read: (name) => readFile(path.join(directory, name), "utf8").catch(() => undefined),
      write: (name, text) => writeFile(path.join(directory, name), text),
    },
    objects: () => objects.values(),
    set: (source, state) => states.set(source, state),
    changed: () => undefined,
    guard: createGuard({ allowed: parseAllowed(allow), isService: () => false }),
    log: { info() {}, warn: (message) => told.push(message), error() {} },
    refresh,
  });
  running.push(keys);
  const changed = () => keys.objectsChanged([objectKey(policy)]);
  changed();
  const state = () => [...states.values()][0];
  return {
    ...{ keys, objects, policy, states, told, changed, state },
    ready: (text: string) =>
      vi.waitFor(() => expect(state()).toEqual({ state: "ready", jwks: text })),
    failed: () => vi.waitFor(() => expect(state()).toEqual({ state: "failed" })),
    found: () =>
      keys
        .diagnostics()
        .map(({ code, level, path: at, message }) => [
          ...[code, level, at, message.split("; ").at(-1)],
        ]),
  };
}

const issuer = "https://issuer.test";
const fromUri = () => [{ issuer, jwksUri: `${server.base}/keys` }];

describe("keys of an issuer are", () => {
  test("fetched from where the rule says, without what is private", async () => {
    served.keys = {
      keys: [
        { ...key("one"), d: "secret", note: "x" },
        { kty: "AKP", pub: "x" },
      ],
    };
    await started(fromUri()).ready(textOf("one"));
  });

  test("fetched from where the issuer says that they are", async () => {
    const { ready, states } = started([{ issuer: `${server.base}/issuer/` }]);
    await ready(textOf("one"));
    expect([...states.keys()]).toEqual([`issuer ${server.base}/issuer/`]);
  });

  test("fetched once for all rules that name them, and not for those that bring their own", async () => {
    const before = server.asked("/keys");
    const { ready, states } = started([
      ...fromUri(),
      ...fromUri(),
      { issuer, jwks: textOf("own") },
      { issuer: "me@example.com" },
    ]);
    await ready(textOf("one"));
    expect([states.size, server.asked("/keys") - before]).toEqual([1, 1]);
  });

  test("fetched anew, and handed on when they are others", async () => {
    const times = { usual: 30, least: 10, most: 60 };
    const { ready, states } = started(fromUri(), { refresh: times });
    await ready(textOf("one"));
    const set = vi.spyOn(states, "set");
    served.keys = { keys: [key("two"), key("one")] };
    await ready(textOf("one", "two"));
    served.keys = { keys: [key("one"), key("two")] };
    const before = server.asked("/keys");
    await vi.waitFor(() => expect(server.asked("/keys")).toBeGreaterThan(before + 2));
    expect(set).toHaveBeenCalledTimes(1);
  });

  test("good for as long as the server says, within bounds", async () => {
    const times = { usual: 1_200_000, least: 60_000, most: 3_600_000 };
    const after = (maxAge?: number) => refreshAfter(maxAge, times) / 1000;
    expect([undefined, 0, 90, 86_400].map(after)).toEqual([1_200, 60, 90, 3_600]);
    for (const age of ["public, max-age=0", "no-store, max-age=7200", "No-Cache"]) {
      served.age = age;
      const { ready } = started(fromUri(), { refresh: { ...NEVER, least: 20 } });
      const before = server.asked("/keys");
      await ready(textOf("one"));
      await vi.waitFor(() => expect(server.asked("/keys")).toBeGreaterThan(before + 1));
    }
  });

  test("forgotten with the last rule that names them, a change later", async () => {
    const { ready, objects, policy, changed, states } = started(fromUri());
    await ready(textOf("one"));
    objects.set(objectKey(policy), { ...policy, spec: { jwtRules: [] } });
    changed();
    expect([...states.values()]).toEqual([{ state: "ready", jwks: textOf("one") }]);
    changed();
    expect([...states.values()]).toEqual([undefined]);
    await running[0]?.close();
    expect(JSON.parse(await readFile(path.join(directory, "jwks.json"), "utf8"))).toEqual({});
  });
});

describe("a server that is away", () => {
  test("leaves an issuer that never had keys without any, and says so", async () => {
    served.keys = undefined;
    const { failed, found, told, keys } = started(fromUri());
    const policy = "default/tokens";
    expect(keys.numbers()).toEqual([{ policy, issuer, available: false, code: undefined }]);
    await failed();
    expect(keys.numbers()).toEqual([{ policy, issuer, available: false, code: "HDL7290" }]);
    expect(found()).toEqual([
      ["HDL7290", "Error", "spec.jwtRules[0].jwksUri", "tokens of this issuer are refused"],
    ]);
    expect(told).toEqual([expect.stringContaining("HDL7290")]);
  });

  test("leaves the keys that were fetched before in force, and says so", async () => {
    const { ready, found, changed, state, keys } = started(fromUri(), {
      refresh: { usual: 30, least: 30, most: 30 },
    });
    await ready(textOf("one"));
    served.keys = undefined;
    await vi.waitFor(() => expect(found()).toHaveLength(1));
    expect(keys.numbers()).toMatchObject([{ available: true, code: "HDL7290" }]);
    expect(found()).toEqual([
      ["HDL7290", "Warning", "spec.jwtRules[0].jwksUri", "the keys that were fetched before go on"],
    ]);
    expect(state()).toEqual({ state: "ready", jwks: textOf("one") });
    // Whoever applies the policy again has it tried at once.
    served.keys = { keys: [key("two")] };
    changed();
    await ready(textOf("two"));
    expect(found()).toEqual([]);
  });

  test("leaves them in force over a restart of the agent", async () => {
    await started(fromUri()).ready(textOf("one"));
    await running.pop()?.close();
    served.keys = undefined;
    const { ready, found } = started(fromUri());
    await ready(textOf("one"));
    await vi.waitFor(() => expect(found()[0]?.slice(0, 2)).toEqual(["HDL7290", "Warning"]));
    // Kept on, though they were not fetched this time.
    await running.pop()?.close();
    await started(fromUri()).ready(textOf("one"));
  });

  test("is waited for as long as the rule says", async () => {
    served.delay = 400;
    const { failed, found } = started([{ ...fromUri()[0], timeout: "100ms" }]);
    await failed();
    expect(found()[0]?.[0]).toBe("HDL7290");
    await started([{ ...fromUri()[0], timeout: "2s" }]).ready(textOf("one"));
  });
});

test("an issuer that does not say where its keys are is named", async () => {
  const { failed, found } = started([{ issuer: `${server.base}/silent` }]);
  await failed();
  expect(found()).toEqual([
    ["HDL7293", "Error", "spec.jwtRules[0].issuer", "tokens of this issuer are refused"],
  ]);
});

test("an internal address is asked only where it was allowed", async () => {
  const { failed, found } = started(fromUri(), { allow: [] });
  await failed();
  expect(found()[0]?.[0]).toBe("HDL7292");
});
