/** What only Envoy's API can say of a configuration: whether the values of EnvoyFilters are part of it. */
import { canonical, merge } from "@heddle/envoy";
import type { Diagnostic, EnvoyFilter, MeshObject, ParsedObject } from "@heddle/model";
import { checkEnvoyFilter } from "@heddle/translate";

export function checkPatches(objects: readonly ParsedObject[]): readonly Diagnostic[] {
  return objects.flatMap(({ object, source: { file, line, lineOf } }) =>
    object.kind === "EnvoyFilter"
      ? checkEnvoyFilter(object as MeshObject<EnvoyFilter>, { canonical, merge }).map((found) => ({
          ...found,
          reference: `${file}:${found.path === undefined ? line : lineOf(found.path)}`,
        }))
      : [],
  );
}
