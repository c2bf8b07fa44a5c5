/** The values of an installation as a command line gives them: files, then `--set`, of which later ones count. */
import { readFile } from "node:fs/promises";
import { type Values, ValuesError, valuesOf } from "@heddle/kube";
import { parse } from "yaml";
import { CliError } from "../output/cli-error.ts";

export interface ValueFlags {
  readonly filename: readonly string[];
  readonly set: readonly string[];
  readonly setString: readonly string[];
  readonly revision?: string;
}

/** Throws HDL9063. */
export async function chosenValues(flags: ValueFlags): Promise<Values> {
  const files = await Promise.all(flags.filename.map(readValues));
  return checked([
    ...files,
    ...flags.set.map((text) => setting(text, scalar)),
    ...flags.setString.map((text) => setting(text, (value) => value)),
    ...(flags.revision === undefined ? [] : [{ revision: flags.revision }]),
  ]);
}

/** As `valuesOf`, but throws HDL9063. */
export function checked(given: readonly object[]): Values {
  try {
    return valuesOf(...given);
  } catch (error) {
    if (!(error instanceof ValuesError)) throw error;
    throw refused(error.message);
  }
}

async function readValues(file: string): Promise<object> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw refused(`${file} cannot be read: ${(error as Error).message}`);
  });
  let value: unknown;
  try {
    value = parse(text) ?? {};
  } catch (error) {
    throw refused(`${file} is no YAML: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refused(`${file} holds no mapping of values`);
  return value;
}

/** `agent.replicas=3` as a mapping; `\.` is a dot inside of a name. */
function setting(text: string, read: (value: string) => unknown): object {
  const at = text.indexOf("=");
  if (at < 1) throw refused(`--set ${text}: write it as name=value`);
  const path = text
    .slice(0, at)
    .split(/(?<!\\)\./)
    .map((part) => part.replaceAll("\\.", "."));
  return path.reduceRight<unknown>(
    (inner, name) => ({ [name]: inner }),
    read(text.slice(at + 1)),
  ) as object;
}

/** `{a,b}` is a list, as Helm has it; else what YAML would take the word for. */
function scalar(text: string): unknown {
  const list = /^\{(.*)\}$/s.exec(text)?.[1];
  if (list !== undefined) return list === "" ? [] : list.split(",").map(scalar);
  if (/^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?)$/.test(text)) return parse(text) as unknown;
  return text;
}

function refused(message: string): CliError {
  const remedy = "`heddle profile dump` prints all values that there are, with their defaults.";
  return new CliError("HDL9063", `${message}.`, remedy, 2);
}
