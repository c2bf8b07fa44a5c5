/** Which keys of an OpenAPI document are keywords, and which are names or data that people have chosen. */

const NAMES: ReadonlySet<string> = new Set([
  ...["properties", "patternProperties", "dependentSchemas", "$defs", "definitions", "paths"],
  ...["schemas", "responses", "parameters", "requestBodies", "headers", "pathItems", "content"],
  ...["securitySchemes", "links", "callbacks", "encoding", "variables"],
]);
/** Their values are pieces of requests. */
const DATA: ReadonlySet<string> = new Set(["example", "examples", "default", "enum", "const"]);

/** What the keys of an object are that stands below a key; `named` says that this key is itself a name. */
export function below(key: string, named: boolean): "keywords" | "names" | "data" {
  if (named) return "keywords";
  if (DATA.has(key) || key.startsWith("x-")) return "data";
  return NAMES.has(key) ? "names" : "keywords";
}
