/** What every check is given, and how it says what it found. */
import type { Diagnostic, ExtensionProvider, Level } from "@heddle/model";
import { originOf } from "@heddle/model";
import { analysisCodes } from "./codes.ts";
import type { Entry, MeshIndex } from "./mesh-index.ts";

export interface CheckContext {
  readonly index: MeshIndex;
  /** What is referred to and missing is an error. */
  readonly strict: boolean;
  /** Conflicts are settled in Istio's order, and stay as warnings. */
  readonly force: boolean;
  readonly rootNamespace: string;
  /** Servers that policies may name; undefined where nobody has said which there are. */
  readonly extensionProviders: readonly ExtensionProvider[] | undefined;
}

/** Looks at one object as part of its mesh. */
export type Check<Spec> = (entry: Entry<Spec>, context: CheckContext) => Iterable<Diagnostic>;

export interface Found {
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly remedy?: string;
  readonly level?: Level;
}

/** A finding about an entry, with the line that it stands on. */
export function diagnostic(entry: Entry, found: Found): Diagnostic {
  const { object, source } = entry;
  const { code, path, message, remedy = analysisCodes[code]?.remedy } = found;
  return {
    code,
    level: found.level ?? analysisCodes[code]?.level ?? "Error",
    message: shortened(message),
    origin: originOf(object),
    ...(source && source.file !== "" ? { reference: `${source.file}:${source.lineOf(path)}` } : {}),
    path,
    ...(remedy === undefined ? {} : { remedy }),
  };
}

/** Characters of a message: names and values that it quotes have any length, and there may be many of them. */
const MOST_CHARACTERS = 1000;

function shortened(message: string): string {
  return message.length > MOST_CHARACTERS ? `${message.slice(0, MOST_CHARACTERS)}…` : message;
}

/** Something that is referred to and not there, in Istio's words. */
export function missing(
  entry: Entry,
  context: CheckContext,
  { what, name, path }: { what: string; name: string; path: string },
): Diagnostic {
  return diagnostic(entry, {
    code: "IST0101",
    level: context.strict ? "Error" : "Warning",
    path,
    message: `Referenced ${what} not found: ${JSON.stringify(name)}`,
  });
}

/** Names of entries as messages list them: `namespace/name`, sorted, with commas. */
export function namesOf(entries: readonly Entry[]): string {
  return entries
    .map(({ object: { metadata } }) =>
      [metadata.namespace, metadata.name].filter(Boolean).join("/"),
    )
    .toSorted()
    .join(",");
}
