import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startTelemetry } from "./start-telemetry.ts";
import { freePorts } from "../testing/free-ports.ts";
import { startCollector, until } from "./testing/collector.ts";
import { startEnvoyPair } from "./testing/envoy-pair.ts";

const envoy = process.env["HEDDLE_ENVOY"];

test.skipIf(!envoy)(
  "requests from before a quiet time are not counted again after it",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "heddle-quiet-"));
    const collector = await startCollector();
    const [otlp, ...ports] = await freePorts(8);
    const pair = await startEnvoyPair(envoy!, otlp!, ports, "5s");
    const telemetry = await startTelemetry({
      otlpAddress: `127.0.0.1:${otlp}`,
      plane: collector.url,
      token: "secret",
      mesh: "demo",
      spoolDir: directory,
      scrapeIntervalMs: 200,
      batchMs: 100,
      separate: false,
      proxies: () => [{ name: "frontend-v1-abc.shop", address: pair.targets.client }],
    });
    const used = async (): Promise<boolean> => {
      const answer = await fetch(`http://${pair.targets.client}/stats/prometheus?usedonly`);
      return (await answer.text()).includes("istio_requests_total");
    };
    const counted = () => collector.points.reduce((sum, { requests }) => sum + requests, 0);
    try {
      for (let call = 0; call < 10; call++) await pair.call("/");
      await until("the requests at the plane", () => counted() === 10);
      await until("that Envoy calls the counter unused", async () => !(await used()));
      // Scrapes fall in between.
      await new Promise((resolve) => setTimeout(resolve, 600));
      await pair.call("/");
      await until("the request after the quiet time", () => counted() > 10);
      await new Promise((resolve) => setTimeout(resolve, 600));
      expect(counted()).toBe(11);
    } finally {
      await telemetry.close();
      await pair.close();
      await collector.close();
      await rm(directory, { recursive: true });
    }
  },
);
