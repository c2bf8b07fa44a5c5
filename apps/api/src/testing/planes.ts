/** For tests: the same suite on every kind of database that the plane runs on here. */
import { startPostgres, type RealPostgres } from "@heddle/db/testing";
import { afterAll, beforeAll, describe } from "vitest";
import { createTestPlane, type TestPlane } from "./test-plane.ts";

/** Runs the tests on PGlite and on a real Postgres whose login is no superuser. */
export function onEveryPlane(name: string, tests: (plane: () => TestPlane) => void): void {
  describe(`${name} on PGlite`, () => {
    let plane: TestPlane;
    beforeAll(async () => {
      plane = await createTestPlane();
    });
    afterAll(() => plane?.close());
    tests(() => plane);
  });
  describe(`${name} on Postgres`, () => {
    let server: RealPostgres;
    let plane: TestPlane;
    beforeAll(async () => {
      server = await startPostgres();
      plane = await createTestPlane(await server.database("plane"));
    });
    afterAll(async () => {
      await plane?.close();
      await server?.stop();
    });
    tests(() => plane);
  });
}

let counter = 0;

/** A new mesh; returns its name. */
export async function newMesh(plane: TestPlane): Promise<string> {
  const name = `mesh-${++counter}`;
  await plane.client.createMesh({ name, trustDomain: "cluster.local" });
  return name;
}

/** A VirtualService for `name`, all of it to one subset. */
export function rule(name: string, subset = "v1", namespace = "default") {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "VirtualService",
    metadata: { name, namespace },
    spec: { hosts: [name], http: [{ route: [{ destination: { host: name, subset } }] }] },
  };
}

export const ruleKey = (name: string, namespace = "default") =>
  `networking.istio.io/VirtualService/${namespace}/${name}`;
