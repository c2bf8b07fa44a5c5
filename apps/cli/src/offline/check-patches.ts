/** What only Envoy's API can say of a configuration: whether the values of EnvoyFilters are part of it. */
import { canonical, merge } from "@heddle/envoy";
import type { Diagnostic, EnvoyFilter, MeshObject, ParsedObject } from "@heddle/model";
import { checkEnvoyFilter } from "@heddle/translate";

/** Of files the findings name the line. */
export function checkPatches(objects: readonly (ParsedObject | MeshObject)[]): Diagnostic[] {
  return objects.flatMap((each) => {
    const [object, source] = "source" in each ? [each.object, each.source] : [each, undefined];
    if (object.kind !== "EnvoyFilter") return [];
    const found = checkEnvoyFilter(object as MeshObject<EnvoyFilter>, { canonical, merge });
    return found.map((finding) => ({ ...finding, ...referenceOf(finding, source) }));
  });
}

function referenceOf(
  { path }: Diagnostic,
  source: ParsedObject["source"] | undefined,
): { readonly reference?: string } {
  if (source === undefined) return {};
  const { file, line, lineOf } = source;
  return { reference: `${file}:${path === undefined ? line : lineOf(path)}` };
}
