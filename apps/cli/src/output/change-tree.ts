/** What a change made an engine compute, for people: a tree from the objects that changed to the proxies that hear of it. */
import { parseObjectKey } from "@heddle/model";
import type { Outcome, RecordedChange, RecordedRun, RecordedStep } from "@heddle/translate";
import { age, bold, dim, green, red, table, yellow } from "./print.ts";

/** Of computations that are alike, so many are named. */
const NAMED = 3;

export function changeTree(change: RecordedChange): string {
  const { number, at, applied, took, computed, views, unlisted, steps } = change;
  const together =
    applied > 1 ? `, ${applied} changes worked out together: each came before all was done` : "";
  const lines = [
    bold(`Change ${number}, ${age(Date.now() - at)} ago: ${objectsText(change)}`) + together,
    `${outcomesText(change.derivations)}, ${milliseconds(computed)} of computing; ${proxies(views)} told, ${milliseconds(took)} after the change`,
    "",
    ...(steps.length === 0 ? [dim("Nothing that anybody holds reads it.")] : steps.flatMap(root)),
    ...(unlisted > 0 ? ["", dim(`${unlisted} computations are counted alone, not named.`)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

export function changeList(changes: readonly RecordedChange[]): string {
  const rows = changes.map((change) => [
    String(change.number),
    age(Date.now() - change.at),
    String(sum(change.derivations)),
    String(change.derivations.equal ?? 0),
    String(change.views),
    milliseconds(change.took),
    objectsText(change),
  ]);
  return `${table(["CHANGE", "AGE", "DERIVATIONS", "EQUAL", "PROXIES", "TOOK", "OBJECTS"], rows)}\n`;
}

function root(step: RecordedStep): string[] {
  return [bold(stepText(step)), ...branches(step.steps)];
}

function branches(steps: readonly RecordedStep[]): string[] {
  return steps.flatMap((step, index) => {
    const last = index === steps.length - 1;
    const inner = branches(step.steps);
    return [
      `${last ? "└─" : "├─"} ${stepText(step)}`,
      ...inner.map((line) => `${last ? "  " : "│ "} ${line}`),
    ];
  });
}

function stepText(step: RecordedStep): string {
  const { kind, name, runs, ms, outcomes } = step;
  const count = sum(outcomes);
  if (kind === "object") {
    const title = name.split("/").at(-1) ?? name;
    const isObject = runs.some(({ key }) => key !== name);
    return isObject ? `${title}${times(count)} ${named(runs, count, objectName)}` : title;
  }
  if (kind === "other")
    return count > 0
      ? `others${times(count)}`
      : "of proxies that came meanwhile, or read the mesh anew";
  return [
    [`${name}${times(count)}`, ...keysText(runs, count)].join(" "),
    outcomeText(outcomes),
    ...(ms >= 0.01 ? [dim(milliseconds(ms))] : []),
    ...resourcesText(step),
  ].join("  ");
}

/** Nothing where there is but one, which needs no key. */
function keysText(runs: readonly RecordedRun[], count: number): string[] {
  const text = named(runs, count, shortKey);
  return text === "" ? [] : [dim(text)];
}

function named(runs: readonly RecordedRun[], count: number, name: (key: string) => string): string {
  const names = runs.slice(0, NAMED).map(({ key }) => name(key));
  const more = count - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const times = (count: number): string => (count === 1 ? "" : ` × ${count}`);

function outcomeText(outcomes: RecordedStep["outcomes"]): string {
  const words = Object.entries(outcomes) as [Outcome, number][];
  const [only] = words;
  if (only && words.length === 1) return WORDS[only[0]];
  return words.map(([outcome, count]) => `${count} ${WORDS[outcome]}`).join(", ");
}

const WORDS: Readonly<Record<Outcome, string>> = {
  changed: yellow("changed"),
  new: yellow("new"),
  equal: green("equal"),
  failed: red("failed"),
};

function resourcesText({ resources, views = 0 }: RecordedStep): string[] {
  if (!resources) return [];
  const what = Object.entries(resources).map(([type, { count, names }]) =>
    names.length === 1 ? `${type} ${names[0]}` : `${count} of type ${type}`,
  );
  return [`→ ${what.join(", ")} at ${proxies(views)}`];
}

function outcomesText(outcomes: RecordedChange["derivations"]): string {
  const count = sum(outcomes);
  const ran = count === 1 ? "1 derivation ran" : `${count} derivations ran`;
  return count === 0 ? ran : `${ran}: ${plain(outcomes)}`;
}

const plain = (outcomes: RecordedChange["derivations"]): string =>
  Object.entries(outcomes)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(", ");

function objectsText({ objects, objectCount }: RecordedChange): string {
  const runs = objects.map((key) => ({ key, outcome: "changed", ms: 0 }) as const);
  return named(runs, objectCount, originText);
}

/** `Kind namespace/name`; what is no object has words of its own. */
function originText(key: string): string {
  const kind = parseObjectKey(key)?.kind;
  return kind === undefined ? key : `${kind} ${objectName(key)}`;
}

function objectName(key: string): string {
  const object = parseObjectKey(key);
  if (!object) return key;
  return object.namespace === "" ? object.name : `${object.namespace}/${object.name}`;
}

/** Of a node's id the proxy's name, of a client's description, which is JSON, what it says. */
function shortKey(key: string): string {
  const [, , name] = key.split("~");
  return (
    name ??
    key
      .replaceAll(/[[\]"]/g, "")
      .split(",")
      .filter(Boolean)
      .join(" ")
  );
}

const proxies = (count: number): string => (count === 1 ? "1 proxy" : `${count} proxies`);
const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
const sum = (outcomes: Readonly<Record<string, number>>): number =>
  Object.values(outcomes).reduce((all, each) => all + each, 0);
