/** Writes `infra/kubernetes/crds` from the model's schemas, a file for each kind, and deletes those of kinds that are gone. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { definedKinds, definitionOf } from "../src/index.ts";

const folder = path.resolve(import.meta.dirname, "../../../infra/kubernetes/crds");
const HEADER =
  "# @generated from the schemas in packages/model by packages/kube/scripts/generate.ts\n";

mkdirSync(folder, { recursive: true });
const names = new Set<string>();
for (const kind of definedKinds) {
  const name = `${kind.group}_${kind.plural}.yaml`;
  names.add(name);
  const text = stringify(definitionOf(kind), { aliasDuplicateObjects: false, lineWidth: 0 });
  writeFileSync(path.join(folder, name), HEADER + text);
}
for (const name of readdirSync(folder)) if (!names.has(name)) rmSync(path.join(folder, name));
