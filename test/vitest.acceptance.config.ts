import path from "node:path";
import { defineConfig } from "vitest/config";

/** The promises of the product, kept on a whole demo: one file after the other, since each starts one of its own. */
export default defineConfig({
  root: path.resolve(import.meta.dirname, ".."),
  test: {
    include: ["test/acceptance/**/*.test.ts"],
    globalSetup: ["test/setup/envoy.ts"],
    testTimeout: 600_000,
    hookTimeout: 180_000,
    // What is polled is a whole system on a machine that may be busy: vitest's own second is for less.
    expect: { poll: { timeout: 15_000 } },
    pool: "forks",
    fileParallelism: false,
  },
});
