/** `pnpm check`: types, lint, format, layers, unused exports, fresh generated files, fields that have tests. Runs all, then says which failed. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");
const bin = (name: string) => path.join(root, "node_modules/.bin", name);

interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly output: string;
  readonly seconds: number;
}

function run(
  command: string,
  args: string[],
  cwd = root,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, NO_COLOR: "1" } });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.on("error", (error) => resolve({ code: 1, output: String(error) }));
    child.on("exit", (code) => resolve({ code: code ?? 1, output }));
  });
}

const passes = async (command: string, ...args: string[]) => {
  const { code, output } = await run(command, args);
  return { ok: code === 0, output };
};

const LAYERS = path.join(root, "infra/checks/layers.cjs");

/** The rules hold in the tree, and a fixture that breaks them is seen to break them. */
async function layers(): Promise<{ ok: boolean; output: string }> {
  const tree = await run(bin("depcruise"), ["--config", LAYERS, "packages", "apps", "agent"]);
  const fixture = await run(
    bin("depcruise"),
    ["--config", LAYERS, "packages"],
    path.join(root, "infra/checks/fixtures"),
  );
  const seen = ["model-imports", "pure-packages"].filter((name) => fixture.output.includes(name));
  if (seen.length === 2 && fixture.code !== 0) return { ok: tree.code === 0, output: tree.output };
  return {
    ok: false,
    output: `The layer check does not see its own bad fixture.\n${fixture.output}${tree.output}`,
  };
}

/** Generated folders, and what makes them. */
const GENERATED = [
  ["packages/envoy/src/gen", "packages/envoy/scripts/generate.ts"],
  ["infra/kubernetes/crds", "packages/kube/scripts/generate.ts"],
  ["infra/helm", "apps/cli/scripts/generate-chart.ts"],
] as const;

/** Making the generated files anew changes nothing. */
async function generated(): Promise<{ ok: boolean; output: string }> {
  let ok = true;
  let said = "";
  for (const [name, script] of GENERATED) {
    const folder = path.join(root, name);
    const before = await hashTree(folder);
    const { code, output } = await run(process.execPath, [path.join(root, script)]);
    const fresh = before === (await hashTree(folder));
    ok &&= code === 0 && fresh;
    said += fresh ? output : `${name} was stale and has been made anew: commit it.\n${output}`;
  }
  return { ok, output: said };
}

/** Every field has a test or a reason, and docs/coverage says so. Makes the pages anew where they are stale. */
async function coverage(): Promise<{ ok: boolean; output: string }> {
  const folder = path.join(root, "docs/coverage");
  const before = await hashTree(folder);
  const { code, output } = await run(process.execPath, [
    path.join(root, "test/behaviour/rows/main.ts"),
  ]);
  const fresh = before === (await hashTree(folder));
  const stale = "docs/coverage was stale and has been made anew: commit it.\n";
  return { ok: code === 0 && fresh, output: fresh ? output : `${stale}${output}` };
}

async function hashTree(folder: string): Promise<string> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  const hash = createHash("sha256");
  for (const file of files.map((entry) => path.join(entry.parentPath, entry.name)).toSorted()) {
    hash.update(file).update(await readFile(file));
  }
  return hash.digest("hex");
}

const CHECKS: Record<string, () => Promise<{ ok: boolean; output: string }>> = {
  types: () =>
    passes(
      process.execPath,
      path.join(root, "node_modules/@typescript/native/bin/tsc"),
      "--noEmit",
      "-p",
      root,
    ),
  lint: () => passes(bin("oxlint"), "--type-aware", "--quiet", "-c", "infra/checks/oxlint.json"),
  format: () => passes(bin("oxfmt"), "--check"),
  layers,
  "unused exports": () =>
    passes(bin("knip"), "--config", "infra/checks/knip.json", "--no-progress"),
  generated,
  coverage,
};

const wanted = process.argv.slice(2);
const outcomes: Outcome[] = [];
for (const [name, check] of Object.entries(CHECKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const start = performance.now();
  const { ok, output } = await check();
  const seconds = (performance.now() - start) / 1000;
  outcomes.push({ name, ok, output, seconds });
  console.log(`${ok ? "✓" : "✗"} ${name} (${seconds.toFixed(1)} s)`);
}
for (const outcome of outcomes.filter((o) => !o.ok))
  console.log(`\n── ${outcome.name} ──\n${outcome.output.trim()}`);
process.exit(outcomes.every((o) => o.ok) ? 0 : 1);
