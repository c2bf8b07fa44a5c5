import path from "node:path";
import { defineConfig } from "vitest/config";

const TESTS = ["test/cluster/**/*.test.ts", "{agent,packages/*}/src/**/*.cluster.test.ts"];
/** Under a load of their own, of which another cluster beside them would take its share. */
const ALONE = ["test/cluster/rolling-update.test.ts", "test/cluster/plane.test.ts"];

/** What only a real Kubernetes can show. Two files at once, each in a cluster of its own: they wait for most of their time. */
export default defineConfig({
  root: path.resolve(import.meta.dirname, ".."),
  test: {
    globalSetup: ["test/setup/envoy.ts"],
    testTimeout: 300_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000 } },
    pool: "forks",
    projects: [
      {
        extends: true,
        test: {
          name: "two at once",
          include: TESTS,
          exclude: ["**/node_modules/**", "**/*.long.test.ts", ...ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { name: "alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
