/** Which paths of a document a request's path is. */
import type { OpenApiOperation } from "@heddle/model";

export interface MatchedPath {
  readonly template: string;
  readonly operations: readonly OpenApiOperation[];
  /** Parameters of the path, decoded. */
  readonly values: Readonly<Record<string, string>>;
}

/** Finds the path of a request, without its query: of several the first one, and those without parameters are first. */
export function pathFinder(
  operations: readonly OpenApiOperation[],
): (steps: readonly string[]) => MatchedPath | undefined {
  const templates = [...Map.groupBy(operations, ({ path }) => path)].map(([template, of]) => ({
    template,
    operations: of,
    steps: template.split("/").map(stepOf),
  }));
  return (steps) => {
    for (const { template, operations: of, steps: wanted } of templates) {
      if (wanted.length !== steps.length) continue;
      const found = wanted.map((match, index) => match(steps[index]!));
      if (found.some((each) => each === undefined)) continue;
      return {
        template,
        operations: of,
        values: Object.assign({}, ...found) as MatchedPath["values"],
      };
    }
    return undefined;
  };
}

type Step = (text: string) => Readonly<Record<string, string>> | undefined;

/** `pets`, `{id}` or `page-{number}.html`. */
function stepOf(step: string): Step {
  const [whole, before = "", name, after = ""] = /^([^{]*)\{([^}]+)\}(.*)$/.exec(step) ?? [];
  if (whole === undefined || name === undefined) return (text) => (text === step ? {} : undefined);
  return (text) =>
    text.length > before.length + after.length && text.startsWith(before) && text.endsWith(after)
      ? { [name]: text.slice(before.length, text.length - after.length) }
      : undefined;
}
