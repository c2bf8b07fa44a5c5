import path from "node:path";
import { defineConfig } from "vitest/config";

/** What takes minutes: many seeds, many operations, programs to build. One file after the other, since each wants the machine for itself. */
export default defineConfig({
  root: path.resolve(import.meta.dirname, ".."),
  test: {
    include: ["test/long/**/*.test.ts", "test/cluster/**/*.long.test.ts"],
    globalSetup: ["test/setup/envoy.ts"],
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    expect: { poll: { timeout: 60_000 } },
    pool: "forks",
    fileParallelism: false,
  },
});
