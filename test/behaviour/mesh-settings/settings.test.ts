/** What a mesh's owner chooses for all of it, by MeshSettings: over what the agent was started with. */
import type { MeshObject, MeshSettingsSpec } from "@heddle/model";
import { ACCESS_LOG_ATTRIBUTES as ATTRIBUTE } from "@heddle/translate";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { object, peerAuthentication, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

/** Two meshes that differ in nothing but the object: `third` is a part of their addresses. */
function settled(third: number, spec?: MeshSettingsSpec) {
  const address = (last: number) => `127.${third}.0.${last}`;
  const chosen: MeshObject[] = spec
    ? [object("heddle.dev/v1", "MeshSettings", "mesh", spec, "")]
    : [];
  const mesh = startedMesh({
    collector: `127.${third}.2.1`,
    workloads: {
      client: { address: address(1) },
      server: { address: address(2), ports: [9080] },
    },
    settings: { traceSampling: 0, accessLog: false, outboundTrafficPolicy: "REGISTRY_ONLY" },
    objects: [
      ...service("server", [{ name: "http", port: 9080 }], [address(2)]),
      peerAuthentication("default", { mtls: { mode: "STRICT" } }, "mesh-root"),
      ...chosen,
    ],
  });
  const statusOf = async (host: string) => (await mesh.get("client", host, "/name")).status;
  return {
    mesh,
    statusOf,
    /** Whether a request in the clear is taken. */
    takesPlain: () =>
      ask(address(2), 9080, "server", "/").then(
        ({ status }) => status,
        () => "refused",
      ),
    /** How many spans and log records a request has made by now. */
    told: (path: string) => {
      const { spans, logs } = mesh.collector();
      return [
        spans.filter(({ attributes }) => (attributes["http.url"] ?? "").endsWith(path)).length,
        logs.filter(({ attributes }) => attributes[ATTRIBUTE.path] === path).length,
      ];
    },
  };
}

describe.skipIf(!envoyBinary)("settings of a mesh", () => {
  const started = settled(205);
  const chosen = settled(206, {
    traceSampling: 100,
    accessLog: true,
    rootNamespace: "mesh-root",
    clusterDomain: "mesh.example",
  });

  proves(
    "MeshSettings",
    ["traceSampling", "accessLog"],
    "requests are traced and logged as the mesh's owner says",
    async () => {
      for (const { mesh } of [started, chosen])
        await mesh.get("client", "server.default:9080", "/told");
      await expect.poll(() => chosen.told("/told"), { timeout: 8_000 }).toEqual([2, 2]);
      expect(started.told("/told")).toEqual([0, 0]);
    },
  );

  proves(
    "MeshSettings",
    ["clusterDomain"],
    "services have names in the domain that the mesh's owner gives",
    async () => {
      const names = [
        "server.default.svc.mesh.example:9080",
        "server.default.svc.cluster.local:9080",
      ];
      expect(await Promise.all(names.map(chosen.statusOf))).toEqual([200, 502]);
      expect(await Promise.all(names.map(started.statusOf))).toEqual([502, 200]);
    },
  );

  proves(
    "MeshSettings",
    ["rootNamespace"],
    "rules of the namespace that the mesh's owner names are for everybody",
    async () => {
      expect(await started.takesPlain()).toBe(200);
      expect(await chosen.takesPlain()).toBe("refused");
    },
  );
});
