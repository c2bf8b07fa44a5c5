/** Files of a command as one set of objects. */
import { type Diagnostic, type ParsedObject, parseDocuments, withoutTwins } from "@heddle/model";
import type { InputFile } from "../commands/input.ts";

export interface LoadedFiles {
  /** Without those that have errors; of two with one key the first. */
  readonly objects: readonly ParsedObject[];
  readonly diagnostics: readonly Diagnostic[];
}

export function loadFiles(files: readonly InputFile[], defaultNamespace: string): LoadedFiles {
  const parsed = files.map(({ name, content }) =>
    parseDocuments(content, { file: name, defaultNamespace }),
  );
  const unique = withoutTwins(parsed.flatMap(({ objects }) => objects));
  return {
    objects: unique.objects,
    diagnostics: [...parsed.flatMap(({ diagnostics }) => diagnostics), ...unique.diagnostics],
  };
}
