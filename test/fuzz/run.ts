/** Mutated objects through the reader and, where they are accepted, analysis and the translator: what none of them may do. */
import { readFileSync } from "node:fs";
import path from "node:path";
import {
  type Diagnostic,
  type MeshObject,
  parseDocuments,
  parseObject,
  readValues,
} from "@heddle/model";
import { stringify } from "yaml";
import { createTrialMesh, type TrialMesh } from "./mesh.ts";
import { cpuTime } from "./cpu-time.ts";
import { mutateText } from "./mutate-text.ts";
import { mutate, recombine } from "./mutate.ts";
import { type Random, random } from "./random.ts";

/** How long one object may take, in milliseconds of work. */
const LIMIT_MS = 100;
/** Objects are seldom larger; what is above it is given more for each KiB, as much as its reader needs on a slow machine. */
const LARGE_KIB = 64;
const MS_PER_KIB = { yaml: 2, value: 0.25 };
/** A slow trial is tried again before it counts: cold code or the collector of garbage may have been it. */
const TRIES = 6;
/** The proxies are compared with what they held at first after so many trials. */
const COMPARE_EVERY = 500;
/** Codes of texts of which no object could be read: they have a line, and no path. */
const OF_TEXT: ReadonlySet<string> = new Set(["HDL0001", "HDL0002", "HDL0003", "HDL0004"]);

export interface FuzzResult {
  readonly seed: number;
  readonly trials: number;
  /** Objects that were accepted, and so translated. */
  readonly accepted: number;
  readonly refused: number;
  /** Refusals by code. */
  readonly codes: Readonly<Record<string, number>>;
  /** The longest that an object took at the best of its tries, those above 64 KiB apart: milliseconds. */
  readonly slowest: Times;
  /** The longest at the first try. */
  readonly slowestFirst: Times;
  readonly findings: readonly string[];
}

/** Of reading, analysing and translating one object, milliseconds. */
type Times = Readonly<Record<Step, number>>;
type Step = "read" | "analyze" | "translate";

const root = path.resolve(import.meta.dirname, "../..");
const SEED_FILES = [
  "test/fuzz/seeds.yaml",
  "packages/model/testdata/validation/virtualservice-valid.yaml",
  "packages/model/testdata/validation/gateway-valid.yaml",
  "packages/model/testdata/validation/sidecar-valid.yaml",
];

/** The valid objects that everything is made from. */
export function seedObjects(): readonly unknown[] {
  return SEED_FILES.flatMap((file) => readValues(readFileSync(path.join(root, file), "utf8")));
}

/** Runs trials `from` to `to` of a seed; the same seed makes the same ones, whichever of them are run. */
export function fuzz(
  seed: number,
  trials: number,
  { from = 0, onProgress }: { from?: number; onProgress?: (done: number) => void } = {},
): FuzzResult {
  const seeds = seedObjects();
  const texts = seeds.map((value) => stringify(value));
  const codes: Record<string, number> = {};
  const findings: string[] = [];
  const slowest = { read: 0, analyze: 0, translate: 0 };
  const slowestFirst = { ...slowest };
  const note = (step: Step, { first, milliseconds }: Timed) => {
    slowest[step] = Math.max(slowest[step], milliseconds);
    slowestFirst[step] = Math.max(slowestFirst[step], first);
  };
  let mesh = createTrialMesh();
  let accepted = 0;
  let refused = 0;

  for (let trial = from; trial < from + trials; trial++) {
    const chance = random(Math.imul(seed, 1_000_003) + trial);
    const input = inputOf(seeds, texts, chance);
    const find = (what: string) => {
      const shown = typeof input === "string" ? input : (JSON.stringify(input) ?? String(input));
      findings.push(`seed ${seed}, trial ${trial}: ${what}\n${shown.slice(0, 4000)}`);
    };
    try {
      const isText = typeof input === "string";
      const large = (isText ? input : (JSON.stringify(input) ?? "")).length / 1024 - LARGE_KIB;
      const limit = LIMIT_MS + Math.max(0, large * MS_PER_KIB[isText ? "yaml" : "value"]);
      const read = attempt(() => {
        const began = cpuTime();
        const value = readInput(input);
        return { value, milliseconds: cpuTime() - began };
      }, limit);
      if (large <= 0) note("read", read);
      if (read.milliseconds > limit) find(`reading took ${Math.round(read.milliseconds)} ms`);
      const { objects, diagnostics } = read.result.value;
      for (const diagnostic of diagnostics) {
        const wrong = refusalError(diagnostic);
        if (wrong) find(`${wrong}: ${JSON.stringify(diagnostic)}`);
      }
      const errors = diagnostics.filter(({ level }) => level === "Error");
      for (const { code } of errors) codes[code] = (codes[code] ?? 0) + 1;
      if (errors.length > 0) refused++;
      if (objects.length === 0) {
        if (diagnostics.length === 0 && typeof input !== "string")
          find("neither accepted nor refused");
        continue;
      }
      if (errors.length === 0) accepted++;
      note("analyze", analyzed(mesh, objects, find));
      note("translate", translated(mesh, objects, find));
    } catch (error) {
      find(`crash: ${error instanceof Error ? error.stack : String(error)}`);
      mesh = createTrialMesh();
    }
    if ((trial + 1) % COMPARE_EVERY === 0) {
      if (!mesh.isAsBefore()) {
        findings.push(
          `seed ${seed}, trial ${trial}: proxies or findings are not as before, after all was undone`,
        );
        mesh = createTrialMesh();
      }
      onProgress?.(trial + 1 - from);
    }
  }
  return { seed, trials, accepted, refused, codes, slowest, slowestFirst, findings };
}

/** What one trial is made of: a value as JSON gives it, or a text. */
function inputOf(seeds: readonly unknown[], texts: readonly string[], chance: Random): unknown {
  const which = chance.int(seeds.length);
  if (chance.once(3)) return recombine(seeds[which], seeds, chance);
  if (chance.once(2)) return mutate(seeds[which], seeds, chance);
  if (chance.once(2)) return mutateText(texts[which]!, chance);
  try {
    const text = stringify(mutate(seeds[which], seeds, chance));
    return chance.once(2) ? text : mutateText(text, chance);
  } catch {
    // Too deep to be written as YAML.
    return mutateText(texts[which]!, chance);
  }
}

interface Read {
  readonly objects: readonly MeshObject[];
  readonly diagnostics: readonly Diagnostic[];
}

function readInput(input: unknown): Read {
  if (typeof input === "string") {
    const { objects, diagnostics } = parseDocuments(input, { file: "f.yaml" });
    return { objects: objects.map(({ object }) => object), diagnostics };
  }
  const { object, diagnostics } = parseObject(input);
  return { objects: object ? [object] : [], diagnostics };
}

type Find = (what: string) => void;

/** What is wrong with the mesh is said with a code and a path, and soon. */
function analyzed(mesh: TrialMesh, objects: readonly MeshObject[], find: Find): Timed {
  const timed = attempt(() => mesh.analyze(objects), LIMIT_MS);
  if (timed.milliseconds > LIMIT_MS) find(`analysing took ${Math.round(timed.milliseconds)} ms`);
  for (const diagnostic of timed.result.diagnostics) {
    const wrong = refusalError(diagnostic);
    if (wrong) find(`analysis: ${wrong}: ${JSON.stringify(diagnostic)}`);
  }
  return timed;
}

/** Objects of kinds that are planned come along too: what is not in effect must do no harm either. */
function translated(mesh: TrialMesh, objects: readonly MeshObject[], find: Find): Timed {
  const timed = attempt(() => mesh.hold(objects), LIMIT_MS);
  if (timed.milliseconds > LIMIT_MS) find(`translating took ${Math.round(timed.milliseconds)} ms`);
  for (const { code, message } of timed.result.diagnostics) {
    if (code === "HDL4002") find(`a derivation failed: ${message}`);
  }
  for (const wrong of timed.result.wrong) find(`Envoy's API does not know ${wrong}`);
  return timed;
}

/** Every refusal says what is wrong by its code, and where by its path. */
function refusalError({
  code,
  path: at,
  message,
  reference,
  level,
}: Diagnostic): string | undefined {
  if (!/^(?:HDL|IST)\d{4}$/.test(code)) return "a finding has no code";
  if (message === "") return "a finding has no message";
  if (message.length > 2000) return `a message has ${message.length} characters`;
  if (level !== "Error") return undefined;
  if (OF_TEXT.has(code) ? reference === undefined && !at : !at) return "a refusal has no path";
  return undefined;
}

interface Timed {
  /** The first try. */
  readonly first: number;
  /** The best one. */
  readonly milliseconds: number;
}

/** Tried again while it takes longer than the limit; the result is the first try's. */
function attempt<T extends { readonly milliseconds: number }>(
  run: () => T,
  limit: number,
): Timed & { readonly result: T } {
  const result = run();
  const first = result.milliseconds;
  let milliseconds = first;
  for (let tries = 1; tries < TRIES && milliseconds > limit; tries++)
    milliseconds = Math.min(milliseconds, run().milliseconds);
  return { result, first, milliseconds };
}
