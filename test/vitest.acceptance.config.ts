import path from "node:path";
import { defineConfig } from "vitest/config";

/** They measure how soon something is so: nothing else takes the machine's time from them. */
const ALONE = ["test/acceptance/rules-under-load.test.ts", "test/acceptance/plane-away.test.ts"];

/** What stands beside the code or with its kind, and takes its time: shares of ten thousand requests, and clocks. */
const BESIDE = "{agent,apps,packages,test}/**/*.acceptance.test.ts";

/**
 * The promises of the product, kept on whole demos and meshes, each file with addresses and ports of its own. Two files at once: they
 * wait for most of their time.
 */
export default defineConfig({
  root: path.resolve(import.meta.dirname, ".."),
  test: {
    globalSetup: ["test/setup/envoy.ts"],
    testTimeout: 600_000,
    hookTimeout: 180_000,
    // What is polled is a whole system on a machine that may be busy: vitest's own second is for less.
    expect: { poll: { timeout: 15_000 } },
    pool: "forks",
    projects: [
      {
        extends: true,
        test: {
          name: "two at once",
          include: ["test/acceptance/**/*.test.ts", BESIDE],
          exclude: ["**/node_modules/**", ...ALONE],
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
