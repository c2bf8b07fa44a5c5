/** Metrics by their own names, and Istio's tags on spans. */
import type { MeshObject, Telemetry } from "@heddle/model";
import { describe, expect } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { object, service } from "../../harness/objects.ts";
import { scrape } from "../../harness/scrape.ts";
import { proves } from "../proves.ts";

const ADDRESS = { plain: "127.152.0.1", own: "127.152.0.2", server: "127.152.0.3" } as const;
type Client = "plain" | "own";

const OWN: MeshObject<Telemetry> = object("telemetry.istio.io/v1", "Telemetry", "own", {
  selector: { matchLabels: { app: "own" } },
  metrics: [
    {
      overrides: [
        { match: { customMetric: "request_bytes" }, disabled: true },
        {
          match: { customMetric: "istio_requests_total" },
          tagOverrides: { level: { value: "'own'" } },
        },
        { match: { customMetric: "my_metric" }, disabled: true },
      ],
    },
  ],
  tracing: [{ enableIstioTags: false }],
});

describe.skipIf(!envoyBinary)("Telemetry by names", () => {
  const mesh = startedMesh({
    collector: "127.152.2.1",
    workloads: {
      plain: { address: ADDRESS.plain },
      own: { address: ADDRESS.own },
      server: { address: ADDRESS.server, ports: [9080] },
    },
    objects: [...service("server", [{ name: "http", port: 9080 }], [ADDRESS.server]), OWN],
  });

  proves(
    "Telemetry",
    ["metrics[].overrides[].match.customMetric"],
    "metrics are turned off and labelled by the names that they are counted under",
    async () => {
      for (const client of ["plain", "own"] as const) {
        await mesh.get(client, "server:9080");
        await expect
          .poll(() => scrape(ADDRESS[client], "istio_response_bytes_count"), { timeout: 8_000 })
          .toHaveLength(1);
      }
      const levelOf = async (client: Client) =>
        (await scrape(ADDRESS[client], "istio_requests_total"))[0]?.labels["level"];
      expect(await levelOf("own")).toBe("own");
      expect(await levelOf("plain")).toBeUndefined();
      expect(await scrape(ADDRESS.own, "istio_request_bytes_count")).toEqual([]);
      expect(await scrape(ADDRESS.plain, "istio_request_bytes_count")).toHaveLength(1);
    },
  );

  proves(
    "Telemetry",
    ["tracing[].enableIstioTags"],
    "spans have Istio's tags unless that is turned off",
    async () => {
      const span = (client: Client) =>
        mesh
          .collector()
          .spans.find(
            ({ attributes }) =>
              attributes["heddle.reporter"] === "source" &&
              attributes["heddle.workload"] === client,
          );
      for (const client of ["plain", "own"] as const) {
        await mesh.get(client, "server:9080", "/traced");
        await expect.poll(() => span(client), { timeout: 9_000, message: client }).toBeDefined();
      }
      expect(span("plain")?.attributes).toMatchObject({
        "istio.mesh_id": "test",
        "istio.cluster_id": "c1",
        "istio.namespace": "default",
        "istio.canonical_service": "plain",
        "istio.canonical_revision": "latest",
      });
      const own = Object.keys(span("own")?.attributes ?? {});
      expect(own.filter((name) => name.startsWith("istio."))).toEqual([]);
      expect(own).toContain("heddle.canonical_service");
    },
  );
});
