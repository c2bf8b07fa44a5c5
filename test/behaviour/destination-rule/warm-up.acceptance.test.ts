/** A new endpoint gets its share of requests little by little. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { Cluster } from "@heddle/envoy/config/cluster/v3";
import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import type { LoadBalancerSettings } from "@heddle/model";
import { mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, service } from "../../harness/objects.ts";
import { sharesOf } from "../../harness/shares.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const OLD = "127.86.0.2";
const NEW = "127.86.0.3";
const FIELD = "trafficPolicy.loadBalancer";
const WINDOW_MS = 6000;
const WINDOW = `${WINDOW_MS}ms`;
const SETTINGS: Readonly<Record<string, LoadBalancerSettings>> = {
  cold: {},
  seconds: { warmupDurationSecs: WINDOW },
  warm: { warmup: { duration: WINDOW } },
  floor: { warmup: { duration: WINDOW, minimumPercent: 60 } },
  hasty: { warmup: { duration: WINDOW, aggression: 6 } },
};
const NAMES = Object.keys(SETTINGS);

const folder = mkdtempSync(join(tmpdir(), "heddle-eds-"));
const whole = new Map<string, ClusterLoadAssignment>();

/** Endpoints come from a file, so that one can come later: at first only the old one is there. */
function fromFiles(bootstrap: Bootstrap): Bootstrap {
  const { clusters = [], ...resources } = bootstrap.staticResources ?? {};
  return {
    ...bootstrap,
    staticResources: { ...resources, clusters: clusters.map((each) => fromFile(each)) },
  };
}

function fromFile({ loadAssignment, ...cluster }: Cluster): Cluster {
  const { name = "" } = cluster;
  if (loadAssignment === undefined || !name.startsWith("outbound|"))
    return { ...cluster, ...(loadAssignment ? { loadAssignment } : {}) };
  const path = join(folder, `${name.split("|").at(-1)}.json`);
  whole.set(path, loadAssignment);
  write(path, {
    ...loadAssignment,
    endpoints: (loadAssignment.endpoints ?? []).map((group) => ({
      ...group,
      lbEndpoints: (group.lbEndpoints ?? []).slice(0, 1),
    })),
  });
  return {
    ...cluster,
    type: "EDS",
    edsClusterConfig: { edsConfig: { pathConfigSource: { path } }, serviceName: name },
  };
}

/** Envoy reads a file again when another is moved into its place. */
function write(path: string, assignment: ClusterLoadAssignment): void {
  const resource = {
    "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    ...assignment,
  };
  writeFileSync(`${path}.new`, JSON.stringify({ resources: [resource] }));
  renameSync(`${path}.new`, path);
}

describe.skipIf(!envoyBinary)("a new endpoint", () => {
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const mesh = startedMesh({
    workloads: {
      client: { address: "127.86.0.1", patch: fromFiles },
      old: { address: OLD, ports: [PORT], sidecar: false },
      new: { address: NEW, ports: [PORT], sidecar: false },
    },
    objects: NAMES.flatMap((name) => [
      ...service(name, [{ name: "http", port: 80, targetPort: PORT }], [OLD, NEW], {
        clusterIP: "10.0.0.1",
      }),
      destinationRule(name, {
        host: name,
        trafficPolicy: { loadBalancer: { simple: "ROUND_ROBIN", ...SETTINGS[name] } },
      }),
    ]),
  });

  const newShares = async () => {
    const shares = await Promise.all(
      NAMES.map((name) => sharesOf(mesh, "client", `${name}:80`, { count: 60, concurrency: 1 })),
    );
    return Object.fromEntries(NAMES.map((name, i) => [name, shares[i]?.of("new") ?? 0]));
  };

  proves(
    "DestinationRule",
    [
      `${FIELD}.warmupDurationSecs`,
      `${FIELD}.warmup.duration`,
      `${FIELD}.warmup.minimumPercent`,
      `${FIELD}.warmup.aggression`,
    ],
    "gets a share that grows over its time of warming up, from a minimum, and faster the more that is asked",
    async () => {
      // What is there at the start warms up as well.
      await sleep(WINDOW_MS + 200);
      expect((await newShares())["cold"]).toBe(0);
      for (const [path, assignment] of whole) write(path, assignment);
      await expect
        .poll(
          async () =>
            (await sharesOf(mesh, "client", "cold:80", { count: 4, concurrency: 1 })).of("new"),
          { timeout: 3000, interval: 20 },
        )
        .toBe(0.5);
      const early = await newShares();
      expect(early["cold"]).toBeCloseTo(0.5, 1);
      expect(early["seconds"]).toBeLessThan(0.27);
      expect(early["warm"]).toBeLessThan(0.27);
      expect(early["floor"]).toBeGreaterThan(0.28);
      expect(early["floor"]).toBeLessThan(0.45);
      expect(early["hasty"]).toBeGreaterThan(0.28);
      expect(early["hasty"]).toBeLessThan(0.5);
      await sleep(WINDOW_MS);
      // Envoy weighs an endpoint anew each time it is chosen.
      await newShares();
      for (const [name, share] of Object.entries(await newShares()))
        expect(share, name).toBeCloseTo(0.5, 1);
    },
  );
});
