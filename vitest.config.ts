import { defineConfig } from "vitest/config";

/** What needs a real Kubernetes, or its API server: `test:cluster`; and what takes its time: `test:acceptance`. */
const LATER = ["**/node_modules/**", "**/*.cluster.test.ts", "**/*.acceptance.test.ts"];

/**
 * Tests that stand beside the code, and those of `test` that every change must pass; the longer suites have configurations of
 * their own.
 */
export default defineConfig({
  test: {
    globalSetup: ["test/setup/envoy.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Twice what CI's machine has of cores: much of the time goes by in waiting for clocks.
    maxWorkers: 4,
    // Tests of a file that may run side by side do so all at once.
    maxConcurrency: 20,
    projects: [
      {
        extends: true,
        test: {
          name: "programs",
          // Each in a process of its own: they change their environment, listen to signals and leave threads to end.
          include: ["apps/*/src/**/*.test.{ts,tsx}", "agent/src/**/*.test.ts"],
          exclude: LATER,
        },
      },
      {
        extends: true,
        test: {
          name: "parts",
          include: [
            "packages/*/src/**/*.test.ts",
            "infra/**/*.test.ts",
            "test/behaviour/**/*.test.ts",
            "test/bench/**/*.test.ts",
            "test/oracle/**/*.test.ts",
            "test/security/**/*.test.ts",
            "test/fuzz/**/*.test.ts",
          ],
          exclude: LATER,
          // Half of what such a file costs is to load what the one before has loaded already.
          isolate: false,
        },
      },
    ],
  },
});
