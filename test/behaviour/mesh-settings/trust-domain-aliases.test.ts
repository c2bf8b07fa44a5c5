/** A mesh that has moved to another trust domain while its workloads still have certificates of the one before. */
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { object, peerAuthentication, service } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const PORT = 9080;

/** Workloads' certificates here are always of `cluster.local`. */
const moved = (block: number, aliases: readonly string[]) =>
  startedMesh({
    workloads: {
      client: { address: `127.${block}.0.1` },
      server: { address: `127.${block}.0.2`, ports: [PORT] },
    },
    objects: [
      peerAuthentication("mesh", { mtls: { mode: "STRICT" } }, "istio-system"),
      object("heddle.dev/v1", "MeshSettings", "mesh", { trustDomainAliases: aliases }, ""),
      ...service("server", [{ name: "http", port: PORT }], [`127.${block}.0.2`]),
    ],
    settings: { trustDomain: "new.example" },
  });

describe.skipIf(!envoyBinary)("aliases of a trust domain", () => {
  const without = moved(226, ["other.example"]);
  const withAlias = moved(228, ["other.example", "cluster.local"]);

  proves(
    "MeshSettings",
    ["trustDomainAliases"],
    "workloads of an alias of the trust domain are let in and are believed, and nobody else's",
    async () => {
      expect((await withAlias.get("client", `server:${PORT}`)).status).toBe(200);
      expect((await without.get("client", `server:${PORT}`)).status).toBe(503);
    },
  );
});
