/** A sidecar that asks for virtual hosts holds what it asked for and what that leads to: no less, and no more. */
import { type MeshObject, objectKey } from "@heddle/model";
import { createTranslator, MESH_DEFAULTS, parseNode, type ProxyView } from "@heddle/translate";
import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { service, virtualService } from "../../../../test/harness/objects.ts";
import { createAdsServer } from "../ads-server.ts";
import { createResourceEncoder } from "../encoded-resource.ts";
import { hashes, TestClient, until } from "../testing/client.ts";
import { createTestSecrets, silent } from "../testing/views.ts";

const SERVICES = Array.from({ length: 4 }, (_, i) => `svc-${i}`);
const PORT = [{ name: "http", port: 80 }];
const ID = "sidecar~10.9.0.9~web.default~default.svc.cluster.local";
const METADATA = { HEDDLE_ON_DEMAND: "true", LABELS: { app: "web" } };
const MESH = { ...MESH_DEFAULTS, name: "test", onDemand: "ALWAYS" } as const;
const OUTBOUND = /outbound\|80\|[^|"]*\|[^"]+/g;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function replica() {
  const translator = createTranslator({ mesh: MESH });
  const server = createAdsServer({
    ...{ translator, secrets: createTestSecrets(), log: silent },
    linger: 0,
  });
  cleanups.push(() => server.close());
  return { translator, server, port: server.start("127.0.0.1:0") };
}

function connect(port: number, initial?: TestClient["state"]): TestClient {
  const client = new TestClient({
    ...{ port, dialect: "delta", id: ID, envoy: true, metadata: METADATA },
    ...(initial ? { initial } : {}),
  });
  cleanups.push(() => client.close());
  return client;
}

const objectsOf = (name: string): readonly MeshObject[] =>
  service(name, PORT, [`10.1.0.${SERVICES.indexOf(name)}`], {
    clusterIP: `10.2.0.${SERVICES.indexOf(name)}`,
  });

const ruleTo = (name: string, targets: readonly string[]): MeshObject =>
  virtualService(name, {
    hosts: [name],
    http: [
      {
        route: targets.map((host, i) => ({
          destination: { host },
          weight: i === 0 ? 100 - 10 * (targets.length - 1) : 10,
        })),
      },
    ],
  });

/** What leads from virtual hosts and other resources to clusters, gone through from scratch. */
function reached(view: ProxyView, hosts: readonly string[]): ReadonlySet<string> {
  const all = view.resources("cluster");
  const texts = [
    ...[...view.resources("listener").values()].map((each) => JSON.stringify(each)),
    ...[...view.resources("route").values()].map((each) => JSON.stringify(each)),
    ...hosts.map((name) => JSON.stringify(view.named("virtualHost", name) ?? "")),
  ];
  const clusters = new Set(texts.flatMap((text) => text.match(OUTBOUND) ?? []));
  return new Set(
    [...all.keys()].filter((name) => !name.startsWith("outbound|") || clusters.has(name)),
  );
}

const name = fc.constantFrom(...SERVICES);
const operation = fc.oneof(
  fc.record({
    does: fc.constant("rule" as const),
    name,
    targets: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ does: fc.constant("no rule" as const), name }),
  // One stays: without any there would be no table to ask of.
  fc.record({
    does: fc.constant("service" as const),
    name: fc.constantFrom(...SERVICES.slice(1)),
    there: fc.boolean(),
  }),
  fc.record({
    does: fc.constant("ask" as const),
    authority: fc.oneof(
      name,
      name.map((each) => `${each}.default`),
      fc.constantFrom("nobody", "10.2.0.3"),
    ),
  }),
  fc.record({ does: fc.constant("ask" as const), authority: name }),
  fc.record({ does: fc.constant("reconnect" as const) }),
  fc.record({ does: fc.constant("wait" as const) }),
);

test(
  "whatever changes, whatever it asks for, and whichever replica it comes to",
  { timeout: 120_000 },
  async () => {
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 40 }), async (operations) => {
        const replicas = [replica(), replica()];
        const model = new Map<string, MeshObject>();
        let revision = 0;
        const apply = (changes: readonly { key: string; object: MeshObject | null }[]) => {
          for (const { key, object } of changes) {
            if (object) model.set(key, object);
            else model.delete(key);
          }
          revision++;
          for (const { translator, server } of replicas) {
            translator.apply(changes);
            server.setRevision(revision);
          }
        };
        const put = (objects: readonly MeshObject[]) =>
          apply(objects.map((object) => ({ key: objectKey(object), object })));
        const drop = (objects: readonly MeshObject[]) =>
          apply(objects.map((object) => ({ key: objectKey(object), object: null })));
        put(SERVICES.flatMap(objectsOf));
        let at = 0;
        let client = connect(await replicas[at]!.port);
        const wanted = new Set<string>();
        const holds = () => client.state.get("virtualHost")!.has("on-demand.80/__init__");
        const settled = async () => {
          await until(
            () =>
              holds() && [...wanted].every((each) => client.state.get("virtualHost")!.has(each)),
            () => [...wanted, ...client.state.get("virtualHost")!.keys()],
          );
          await until(
            () =>
              replicas[at]!.server.status().some(
                ({ acknowledgedRevision }) => acknowledgedRevision >= revision,
              ),
            () => replicas[at]!.server.status(),
          );
        };
        await settled();
        for (const each of operations) {
          if (each.does === "rule") put([ruleTo(each.name, each.targets)]);
          else if (each.does === "no rule") drop([ruleTo(each.name, [each.name])]);
          else if (each.does === "service") (each.there ? put : drop)(objectsOf(each.name));
          else if (each.does === "wait") await settled();
          else if (each.does === "ask") {
            asked++;
            wanted.add(`on-demand.80/${each.authority}`);
            client.ask(`on-demand.80/${each.authority}`);
          } else {
            // What it asked for and has not got it asks for again, as an Envoy does.
            await settled();
            client.close();
            at = 1 - at;
            client = connect(await replicas[at]!.port, client.state);
          }
        }
        await settled();
        const fresh = createTranslator({ mesh: MESH });
        fresh.apply([...model].map(([key, object]) => ({ key, object })));
        const view = fresh.view(parseNode({ id: ID, metadata: METADATA }));
        const encoder = createResourceEncoder(() => 0);
        const hosts = ["on-demand.80/__init__", ...wanted];
        const expected = Object.fromEntries(
          hosts.map((each) => [
            each,
            encoder.encoded("virtualHost", each, view.named("virtualHost", each) as object).hash,
          ]),
        );
        const clusters = () => [...client.state.get("cluster")!.keys()].toSorted();
        const needed = [...reached(view, hosts)].toSorted();
        // What nothing leads to any more goes last.
        await until(() => clusters().join() === needed.join(), clusters);
        expect(hashes(client, "virtualHost")).toEqual(expected);
        view.dispose();
        for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
      }),
      { numRuns: 30 },
    );
    expect(asked).toBeGreaterThan(40);
  },
);
