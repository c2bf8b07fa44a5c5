import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { createAdsServer } from "./ads-server.ts";
import type { HeldSecret } from "./proxy-stream.ts";
import type { AdsServer } from "./ads-server.ts";
import type { Dialect } from "./discovery.ts";
import type { ResourceType } from "./ports.ts";
import { TestClient, hashes, until } from "./testing/client.ts";
import type { TestClientOptions } from "./testing/client.ts";
import { cluster, endpoints, listener, route } from "./testing/resources.ts";
import { createTestSecrets, createTestViews, silent } from "./testing/views.ts";
import type { Changes, TestSecrets, TestViews } from "./testing/views.ts";

interface Running {
  readonly views: TestViews;
  readonly secrets: TestSecrets;
  readonly server: AdsServer;
  readonly port: number;
  connect(options?: Partial<TestClientOptions>): TestClient;
  /** The first stream has acknowledged all that it needs of this revision. */
  inStep(revision: number): Promise<void>;
}

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(dialect: Dialect, initial: Changes = simple, linger = 0): Promise<Running> {
  const views = createTestViews();
  const secrets = createTestSecrets();
  const server = createAdsServer({ translator: views, secrets, log: silent, linger });
  const port = await server.start("127.0.0.1:0");
  cleanups.push(() => server.close());
  views.change(initial);
  server.setRevision(1);
  return {
    views,
    secrets,
    server,
    port,
    connect(options = {}) {
      const client = new TestClient({ port, dialect, ...options });
      cleanups.push(() => client.close());
      return client;
    },
    inStep: (revision) =>
      until(
        () => server.status().some((proxy) => proxy.acknowledgedRevision >= revision),
        () => server.status(),
      ),
  };
}

const simple: Changes = {
  cluster: { a: cluster("a"), b: cluster("b") },
  endpoint: { a: endpoints("a", 1), b: endpoints("b", 2) },
  listener: { web: listener("web", 80, "web") },
  route: { web: route("web", { a: 1 }) },
};

const dialects: readonly Dialect[] = ["delta", "sotw"];
const types: readonly ResourceType[] = ["cluster", "endpoint", "listener", "route"];

const held = (client: TestClient): Record<string, unknown> =>
  Object.fromEntries(
    types.map((type) => [
      type,
      Object.fromEntries(
        [...client.state.get(type)!].map(([name, { value }]) => [name, withoutType(value)]),
      ),
    ]),
  );
const wanted = (views: TestViews): Record<string, unknown> =>
  Object.fromEntries(types.map((type) => [type, Object.fromEntries(views.resources(type))]));
const withoutType = (value: Record<string, unknown>): object =>
  Object.fromEntries(Object.entries(value).filter(([key]) => key !== "@type"));

describe.each(dialects)("%s", (dialect) => {
  test("a client gets everything, and its status says so", async () => {
    const mesh = await start(dialect);
    const client = mesh.connect();
    await mesh.inStep(1);
    expect(held(client)).toEqual(wanted(mesh.views));
    const [status] = mesh.server.status();
    expect(status).toMatchObject({
      name: "web.default",
      type: "sidecar",
      dialect,
      acknowledgedRevision: 1,
    });
    expect(status!.types.cluster).toMatchObject({ resources: 2 });
    expect(status!.types.cluster!.acknowledgedVersion).toMatch(/^1-/);
    client.close();
    await until(() => mesh.views.open === 0);
    expect(mesh.server.status()).toEqual([]);
  });

  test("a change is sent alone, equal bytes are not sent, an unaffected proxy is in step at once", async () => {
    const mesh = await start(dialect);
    const client = mesh.connect();
    await mesh.inStep(1);
    const before = client.received.length;
    mesh.views.change({ route: { web: route("web", { a: 80, b: 20 }) } });
    mesh.server.setRevision(2);
    await mesh.inStep(2);
    expect(client.received.slice(before)).toMatchObject([{ type: "route", names: ["web"] }]);
    mesh.views.change({
      route: { web: route("web", { a: 80, b: 20 }) },
      cluster: { a: cluster("a") },
    });
    mesh.server.setRevision(3);
    await mesh.inStep(3);
    expect(client.received).toHaveLength(before + 1);
  });

  test("a cluster that no route leads to any more stays for a while, and the revision does not wait for it", async () => {
    const mesh = await start(dialect, simple, 300);
    const client = mesh.connect();
    await mesh.inStep(1);
    mesh.views.change({
      route: { web: route("web", { a: 2 }) },
      cluster: { b: null },
      endpoint: { b: null },
    });
    const begun = performance.now();
    mesh.server.setRevision(2);
    await mesh.inStep(2);
    expect(performance.now() - begun).toBeLessThan(250);
    expect([...client.state.get("cluster")!.keys()]).toEqual(["a", "b"]);
    await until(() => client.state.get("cluster")!.size === 1);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(299);
    await until(() => mesh.server.status()[0]?.types.cluster?.resources === 1);
  });

  test("a cluster stays as long as the longest delay of any route that led there", async () => {
    const mesh = await start(dialect, simple, 50);
    const client = mesh.connect();
    await mesh.inStep(1);
    mesh.views.change({ route: { web: route("web", { a: 1, b: 1 }, "0.5s") } });
    mesh.server.setRevision(2);
    await mesh.inStep(2);
    // The delay goes first, then the route; who is delayed was led there before.
    mesh.views.change({ route: { web: route("web", { a: 1, b: 1 }) } });
    mesh.server.setRevision(3);
    await mesh.inStep(3);
    const begun = performance.now();
    mesh.views.change({
      route: { web: route("web", { a: 2 }) },
      cluster: { b: null },
      endpoint: { b: null },
    });
    mesh.server.setRevision(4);
    await until(() => client.state.get("cluster")!.size === 1);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(1499);
  });

  test("a cluster that comes back while it lingers stays", async () => {
    const mesh = await start(dialect, simple, 150);
    const client = mesh.connect();
    await mesh.inStep(1);
    mesh.views.change({ cluster: { b: null }, endpoint: { b: null } });
    mesh.server.setRevision(2);
    await mesh.inStep(2);
    mesh.views.change({ cluster: { b: cluster("b") }, endpoint: { b: endpoints("b", 2) } });
    mesh.server.setRevision(3);
    await mesh.inStep(3);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(held(client)).toEqual(wanted(mesh.views));
    expect(client.received.filter(({ removed }) => removed.length > 0)).toEqual([]);
  });

  test("endpoints are sent again with a changed cluster", async () => {
    const mesh = await start(dialect);
    const client = mesh.connect();
    await mesh.inStep(1);
    const before = client.received.length;
    mesh.views.change({ cluster: { a: cluster("a", 5) } });
    mesh.server.setRevision(2);
    await mesh.inStep(2);
    const after = client.received.slice(before);
    expect(after.map(({ type }) => type)).toEqual(["cluster", "endpoint"]);
    expect(after[1]!.names).toEqual(["a"]);
  });

  test("changes made while a push is unanswered are merged into one", async () => {
    const mesh = await start(dialect);
    const client = mesh.connect({ delay: 40 });
    await mesh.inStep(1);
    const before = client.received.length;
    for (let weight = 1; weight <= 20; weight++) {
      mesh.views.change({ route: { web: route("web", { a: 100 - weight, b: weight }) } });
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    mesh.server.setRevision(2);
    await mesh.inStep(2);
    expect(held(client)).toEqual(wanted(mesh.views));
    expect(client.received.length - before).toBeLessThanOrEqual(4);
  });

  test("after any changes the client holds what the view has, and never a route to a cluster that is not ready", async () => {
    const names = ["a", "b", "c", "d", "e"];
    const world = fc.record({
      clusters: fc.uniqueArray(
        fc.record({
          name: fc.constantFrom(...names),
          variant: fc.nat(2),
          port: fc.integer({ min: 1, max: 3 }),
        }),
        { selector: ({ name }) => name, minLength: 1 },
      ),
      routes: fc.uniqueArray(
        fc.record({ name: fc.constantFrom("x", "y", "z"), pick: fc.nat(), weight: fc.nat(5) }),
        {
          selector: ({ name }) => name,
        },
      ),
      pause: fc.constantFrom(0, 0, 1, 5),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(world, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(0, 3),
        async (worlds, delay) => {
          const mesh = await start(dialect, {});
          const dangling: string[] = [];
          const client = mesh.connect({
            delay,
            check({ state }) {
              for (const [name, { value }] of state.get("route")!) {
                for (const target of JSON.stringify(value).matchAll(/"name":"([a-e])"/g)) {
                  const ready =
                    state.get("cluster")!.has(target[1]!) && state.get("endpoint")!.has(target[1]!);
                  if (!ready) dangling.push(`${name} to ${target[1]}`);
                }
              }
            },
          });
          let revision = 1;
          for (const { clusters, routes, pause } of worlds) {
            const all = <T>(keys: readonly string[]): Record<string, T | null> =>
              Object.fromEntries(keys.map((key) => [key, null]));
            mesh.views.change({
              cluster: {
                ...all(names),
                ...Object.fromEntries(
                  clusters.map(({ name, variant }) => [name, cluster(name, variant)]),
                ),
              },
              endpoint: {
                ...all(names),
                ...Object.fromEntries(
                  clusters.map(({ name, port }) => [name, endpoints(name, port)]),
                ),
              },
              listener: {
                ...all(["x", "y", "z"]),
                ...Object.fromEntries(routes.map(({ name }) => [name, listener(name, 80, name)])),
              },
              route: {
                ...all(["x", "y", "z"]),
                ...Object.fromEntries(
                  routes.map(({ name, pick, weight }) => [
                    name,
                    route(name, { [clusters[pick % clusters.length]!.name]: 1 + weight }),
                  ]),
                ),
              },
            });
            mesh.server.setRevision(++revision);
            if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
          }
          await mesh.inStep(revision);
          expect(held(client)).toEqual(wanted(mesh.views));
          expect(dangling).toEqual([]);
          client.close();
          await mesh.server.close();
        },
      ),
      { numRuns: 100 },
    );
  }, 60_000);

  test("a refused listener does not hold back other types, and is named", async () => {
    const mesh = await start(dialect);
    const client = mesh.connect({
      refuse: (type, names) =>
        type === "listener" && names.includes("bad")
          ? "Error adding/updating listener(s) bad: no filter chain\n"
          : undefined,
    });
    await mesh.inStep(1);
    mesh.views.change({
      listener: { bad: listener("bad", 81, "web"), good: listener("good", 82, "web") },
      route: { web: route("web", { b: 1 }) },
      endpoint: { a: endpoints("a", 7) },
    });
    mesh.server.setRevision(2);
    await until(() => mesh.server.status()[0]?.types.listener?.error !== undefined);
    await until(() => JSON.stringify(held(client)).includes('"portValue":7'));
    expect(mesh.server.status()[0]).toMatchObject({
      acknowledgedRevision: 1,
      types: {
        listener: {
          refusals: [{ resource: "bad" }],
          error: expect.stringContaining("no filter chain"),
        },
      },
    });
    expect(client.state.get("route")!.get("web")!.value).toMatchObject(route("web", { b: 1 }));
    mesh.views.change({ listener: { bad: null } });
    mesh.server.setRevision(3);
    await mesh.inStep(3);
    expect(mesh.server.status()[0]!.types.listener).not.toHaveProperty("error");
  });

  test("the bad one of many is found where the client does not name it, and the others are applied", async () => {
    const mesh = await start(dialect);
    const many = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`c${index}`, cluster(`c${index}`)]),
    );
    const client = mesh.connect({
      refuse: (type, names) =>
        type === "cluster" && names.includes("c13")
          ? "Proto constraint validation failed"
          : undefined,
    });
    await mesh.inStep(1);
    mesh.views.change({
      cluster: many,
      endpoint: Object.fromEntries(Object.keys(many).map((name) => [name, endpoints(name, 1)])),
    });
    mesh.server.setRevision(2);
    await until(
      () => client.state.get("cluster")!.size === 21,
      () => mesh.server.status(),
    );
    expect(client.state.get("cluster")!.has("c13")).toBe(false);
    expect(mesh.server.status()[0]!.types.cluster!.refusals).toMatchObject([{ resource: "c13" }]);
    mesh.views.change({ cluster: { c13: null } });
    mesh.server.setRevision(3);
    await mesh.inStep(3);
  });

  test("a resource that cannot be encoded is left out and named; the client keeps what it has", async () => {
    const mesh = await start(dialect);
    const client = mesh.connect();
    await mesh.inStep(1);
    mesh.views.change({ cluster: { a: { name: "a", nonsense: 1 }, c: cluster("c") } });
    mesh.server.setRevision(2);
    await until(() => client.state.get("cluster")!.has("c"));
    expect(client.state.get("cluster")!.has("a")).toBe(true);
    expect(mesh.server.status()[0]!.types.cluster).toMatchObject({
      refusals: [{ resource: "a" }],
      error: expect.stringContaining("HDL3001"),
    });
  });

  test("a client that does not answer holds up neither another client nor, for long, itself", async () => {
    const mesh = await start(dialect);
    const slow = mesh.connect({ delay: 3_000 });
    await until(() => mesh.server.status().length === 1);
    const quick = mesh.connect({ id: "sidecar~127.0.0.2~quick.default~x" });
    const begun = performance.now();
    await mesh.inStep(1);
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(held(quick)).toEqual(wanted(mesh.views));
    slow.close();
  });

  test("of its own secrets it is known which value a proxy has accepted, and whether another one is on its way", async () => {
    const mesh = await start(dialect);
    const secret = (text: string): object => ({
      name: "default",
      genericSecret: { secret: { inlineString: text } },
    });
    const [one, two] = [secret("one"), secret("two")];
    mesh.secrets.set("default", one);
    const told: (HeldSecret | undefined)[] = [];
    mesh.server.onStatus((changed) => told.push(changed.at(-1)?.ownSecrets[0]));
    const client = mesh.connect({ delay: 150 });
    client.subscribe("secret", ["default"]);
    const held = () => mesh.server.status()[0]?.ownSecrets[0];
    const isHeld = (value: object) =>
      until(
        () => held()?.value() === value && held()?.pending === false,
        () => held(),
      );
    await isHeld(one);
    expect(JSON.stringify(mesh.server.status())).not.toContain("inlineString");
    mesh.secrets.set("default", two);
    await until(
      () => held()?.pending === true,
      () => held(),
    );
    expect(held()?.value()).toBe(one);
    await isHeld(two);
    // The same again: nothing is sent, and whoever has heard that something was to come hears that it is not.
    told.length = 0;
    mesh.secrets.set("default", two);
    await until(
      () => told.length > 0,
      () => held(),
    );
    expect(told.at(-1)).toMatchObject({ name: "default", pending: false });
    expect(told.at(-1)?.value()).toBe(two);
  });

  test("secrets come by name, only those that the proxy may have, and again when they change", async () => {
    const mesh = await start(dialect);
    const secret = (name: string, text: string): object => ({
      name,
      genericSecret: { secret: { inlineString: text } },
    });
    for (const name of ["default", "kubernetes://default/web", "kubernetes://other/web"])
      mesh.secrets.set(name, secret(name, "one"));
    const client = mesh.connect();
    client.subscribe("secret", ["default", "kubernetes://default/web", "kubernetes://other/web"]);
    await mesh.inStep(1);
    expect([...client.state.get("secret")!.keys()].sort()).toEqual([
      "default",
      "kubernetes://default/web",
    ]);
    mesh.secrets.set("default", secret("default", "two"));
    await until(() =>
      JSON.stringify(client.state.get("secret")!.get("default")!.value).includes("two"),
    );
  });

  test("a gRPC client asks for a listener by its own name", async () => {
    const mesh = await start(dialect);
    mesh.views.byName.set("listener/web.default:80", { name: "web.default:80", apiListener: {} });
    const client = mesh.connect({ manual: true });
    client.subscribe("listener", ["web.default:80"]);
    await until(() => client.state.get("listener")!.size === 1);
    client.subscribe("cluster", ["b"]);
    client.subscribe("endpoint", ["b"]);
    await until(() => client.state.get("endpoint")!.size === 1);
    expect([...client.state.get("cluster")!.keys()]).toEqual(["b"]);
  });

  test("a revision is in step only once the views have settled on it", async () => {
    const mesh = await start(dialect);
    mesh.connect();
    await mesh.inStep(1);
    let settle: () => void = () => {};
    mesh.views.settled = () => new Promise((resolve) => (settle = resolve));
    mesh.server.setRevision(2);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(mesh.server.status()[0]!.acknowledgedRevision).toBe(1);
    mesh.views.change({ route: { web: route("web", { b: 1 }) } });
    settle();
    await mesh.inStep(2);
    expect(mesh.server.status()[0]!.types.route!.acknowledgedVersion).toMatch(/^2-/);
  });

  test("an Envoy that has not asked for its routes yet holds no revision, whatever else it holds", async () => {
    const mesh = await start(dialect);
    const client = mesh.connect({ manual: true, envoy: true });
    client.subscribe("cluster", []);
    client.subscribe("endpoint", ["a", "b"]);
    client.subscribe("listener", []);
    await until(() => mesh.server.status()[0]?.types.listener?.acknowledgedVersion !== "");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(mesh.server.status()[0]).toMatchObject({ acknowledgedRevision: 0, inStep: false });
    client.subscribe("route", ["web"]);
    await mesh.inStep(1);
  });

  test("a request without a node, or that is none, ends its stream with a reason", async () => {
    const mesh = await start(dialect);
    const client = mesh.connect({ manual: true });
    client.send({ node: undefined, typeUrl: "x" });
    await until(() => client.ended !== undefined);
    expect(String(client.ended)).toMatch(/INVALID_ARGUMENT.*HDL3102/);
    expect(mesh.server.status()).toEqual([]);
  });
});

describe("delta", () => {
  test("a client that comes back with versions gets only what differs", async () => {
    const mesh = await start("delta");
    const first = mesh.connect();
    await mesh.inStep(1);
    first.close();
    await until(() => mesh.views.open === 0);
    mesh.views.change({ endpoint: { a: endpoints("a", 9) }, cluster: { b: null } });
    mesh.server.setRevision(2);
    const second = mesh.connect({ initial: first.state });
    await mesh.inStep(2);
    expect(second.received).toMatchObject([
      { type: "endpoint", names: ["a"], removed: [] },
      { type: "cluster", names: [], removed: ["b"] },
    ]);
    expect(hashes(second, "cluster")).toEqual({ a: hashes(first, "cluster")["a"] });
  });

  test("a name that does not exist is answered as removed, and sent when it appears", async () => {
    const mesh = await start("delta");
    const client = mesh.connect({ manual: true });
    client.subscribe("route", ["later"]);
    await until(() => client.received.length === 1);
    expect(client.received[0]).toMatchObject({ names: [], removed: ["later"] });
    mesh.views.change({ route: { later: route("later", { a: 1 }) } });
    await until(() => client.state.get("route")!.has("later"));
  });

  test("a large set comes in several responses, each small enough for any client", async () => {
    const mesh = await start("delta", {
      cluster: Object.fromEntries(
        Array.from({ length: 100 }, (_, index) => [
          `c${index}`,
          { ...cluster(`c${index}`), altStatName: "x".repeat(80_000) },
        ]),
      ),
    });
    const client = mesh.connect({ manual: true });
    client.subscribe("cluster", []);
    await mesh.inStep(1);
    expect(client.state.get("cluster")!.size).toBe(100);
    expect(client.received.length).toBe(3);
  });
});
