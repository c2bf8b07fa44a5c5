/** A server that starts does not know all its kinds yet; one whose definition is gone does not know it any more. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { until } from "../../testing/envoy-pod.ts";
import { createApiServer } from "./api.ts";
import { type KindsThere, watchKinds } from "./kinds-there.ts";
import { type WatchedKind, watchedKinds } from "./watched.ts";

let server: Server | undefined;
let there: KindsThere | undefined;
afterEach(async () => {
  await there?.close();
  server?.closeAllConnections();
  server?.close();
});

it("lets go of a kind when a server that is ready lacks it, not while one starts", async () => {
  let [hasKind, isReady, looks] = [true, true, 0];
  const group = "networking.istio.io";
  const started = createServer((request, response) => {
    if (request.url === "/readyz") return void response.writeHead(isReady ? 200 : 503).end("said");
    if (request.url === "/apis") looks++;
    const groups = hasKind ? [{ name: group, versions: [{ version: "v1" }] }] : [];
    const resources = [{ name: "sidecars", verbs: ["list", "watch"] }];
    response.end(JSON.stringify(request.url === "/apis" ? { groups } : { resources }));
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  const api = createApiServer({
    server: new URL(`http://127.0.0.1:${port}`),
    options: () => Promise.resolve({}),
  });
  let served: ReadonlyMap<WatchedKind, string> = new Map();
  const kinds = watchedKinds.filter((kind) => kind.group === group);
  const keep = (found: { served: typeof served }) => void ({ served } = found);
  const running = watchKinds(api, kinds, keep, () => {}, 150);
  there = running;
  const names = () => [...served].map(([{ kind }, version]) => `${kind} ${version}`);
  await until(() => served.size > 0, 5_000);
  expect(names()).toEqual(["Sidecar v1"]);

  [hasKind, isReady] = [false, false];
  running.look();
  const before = looks;
  await until(() => looks >= before + 4, 10_000);
  expect(names()).toEqual(["Sidecar v1"]);
  isReady = true;
  running.look();
  await until(() => served.size === 0, 10_000);
  hasKind = true;
  running.look();
  await until(() => served.size > 0, 5_000);
}, 40_000);
