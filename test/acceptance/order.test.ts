/** Every kind of change, back and forth under traffic of every kind: no request fails, and what lasts goes on. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type MeshObject, objectKey } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createAuthority } from "../harness/certificates.ts";
import { peerAuthentication } from "../harness/objects.ts";
import { wasmModule } from "../harness/wasm-module.ts";
import { addressesOf, DRAIN_SECONDS, type OrderMesh, startOrderMesh } from "../order/mesh.ts";
import { PORTS } from "../order/ports.ts";
import { type Row, rowsOf } from "../order/rows.ts";
import { worldOf } from "../order/world.ts";

const ROUNDS = 2;
/** Old and new connections are seen on either side of a change, milliseconds. */
const BETWEEN_MS = 150;
/** After this what went is drained to its end. */
const AFTER_MS = DRAIN_SECONDS * 1_000 + 1_000;

const folder = await mkdtemp(path.join(tmpdir(), "heddle-order-wasm-"));
const wasm = path.join(folder, "module.wasm");
await writeFile(wasm, await wasmModule());
const authority = await createAuthority();
const certificates = [await authority.issue("a.test"), await authority.issue("a.test")] as const;
const at = addressesOf(212);
const world = worldOf(at, certificates[0]);
let mesh: OrderMesh;

beforeAll(async () => {
  mesh = await startOrderMesh(at, world, certificates[0]);
  // What Envoys drain of their start is none of the changes' doing.
  await sleep(AFTER_MS + 2_000);
});
afterAll(async () => {
  await mesh?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("no request fails and nothing is cut by a change of", () => {
  test.each(rowsOf(at, certificates, wasm))("$what", async ({ states, drains = [] }) => {
    await mesh.write(stateOf(states[0]!));
    await sleep(BETWEEN_MS);
    mesh.take();
    for (let round = 0; round < ROUNDS; round++) {
      for (const state of [...states.slice(1), states[0]!]) {
        await mesh.write(stateOf(state));
        await sleep(BETWEEN_MS);
      }
    }
    await sleep(AFTER_MS);
    const { done, failed, cut } = mesh.take();
    expect(await mesh.problems()).toEqual([]);
    expect(failed).toEqual([]);
    expect(cut.filter((each) => !drains.some((kind) => each.startsWith(kind)))).toEqual([]);
    for (const [kind, count] of Object.entries(done)) expect(count, kind).toBeGreaterThan(20);
  });
});

test("what a client of before has yet to say is heard when servers take mutual TLS alone", async () => {
  const mode = (of: "DISABLE" | "STRICT") =>
    stateOf([peerAuthentication("default", { mtls: { mode: of } })]);
  await mesh.write(mode("DISABLE"));
  const silent: Socket[] = [];
  // Clients learn of STRICT half a second after the first server at the earliest.
  const opening = setInterval(() => silent.push(connect(PORTS.http, at.a)), 20);
  await sleep(200);
  setTimeout(() => clearInterval(opening), 400);
  await mesh.write(mode("STRICT"));
  const late = connect(PORTS.http, at.a);
  expect(await said(late)).toBe("");
  const answers = await Promise.all(silent.map(said));
  console.log(`${silent.length} connections said nothing until then`);
  expect(answers.filter((each) => !each.startsWith("HTTP/1.1 200"))).toEqual([]);
});

/** What is answered to a request. */
function said(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.on("error", () => {});
    socket.once("close", () => resolve(answer));
    socket.write("GET / HTTP/1.1\r\nhost: server\r\nconnection: close\r\n\r\n");
  });
}

/** The world, with what the state has in place of what stands there. */
function stateOf(changes: Row["states"][number]): readonly MeshObject[] {
  const objects = new Map(world.map((object) => [objectKey(object), object]));
  for (const change of changes) {
    if (typeof change === "string") objects.delete(change);
    else objects.set(objectKey(change), change);
  }
  return [...objects.values()];
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
