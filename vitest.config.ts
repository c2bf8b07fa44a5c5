import { defineConfig } from "vitest/config";

/** Tests that stand beside the code, and those of `test` that every change must pass; the longer suites have configurations of their own. */
export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.{ts,tsx}",
      "agent/src/**/*.test.ts",
      "infra/**/*.test.ts",
      "test/behaviour/**/*.test.ts",
      "test/oracle/**/*.test.ts",
      "test/fuzz/**/*.test.ts",
    ],
    // They need a real Kubernetes, or its API server: `test:cluster`.
    exclude: ["**/node_modules/**", "**/*.cluster.test.ts"],
    globalSetup: ["test/setup/envoy.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
