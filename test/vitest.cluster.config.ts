import path from "node:path";
import { defineConfig } from "vitest/config";

/** What only a real Kubernetes can show. Two files at once, each in a cluster of its own: they wait for most of their time. */
export default defineConfig({
  root: path.resolve(import.meta.dirname, ".."),
  test: {
    include: ["test/cluster/**/*.test.ts", "{agent,packages/*}/src/**/*.cluster.test.ts"],
    exclude: ["**/node_modules/**", "**/*.long.test.ts"],
    globalSetup: ["test/setup/envoy.ts"],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000 } },
    pool: "forks",
    maxWorkers: 2,
  },
});
