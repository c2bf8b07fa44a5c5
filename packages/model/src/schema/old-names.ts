/** Fields that Istio's schemas have under a second, older name, read under the one that they have now. */
import { type Fields, isFields } from "../fields.ts";
import { joinPath } from "../validate/report.ts";
import type { Report } from "../validate/report.ts";

interface OldName {
  /** The list of the spec whose items have the field. */
  readonly list: string;
  readonly old: string;
  readonly now: string;
}

export const oldNames: Readonly<Record<string, OldName>> = {
  VirtualService: { list: "http", old: "mirror_percent", now: "mirrorPercent" },
  RequestAuthentication: { list: "jwtRules", old: "jwks_uri", now: "jwksUri" },
};

/** The spec with today's names. Where both stand, the old one is left to be refused. */
export function withNewNames(kind: string, spec: unknown, report: Report): unknown {
  const name = Object.hasOwn(oldNames, kind) ? oldNames[kind] : undefined;
  if (!name || !isFields(spec)) return spec;
  const { list, old, now } = name;
  const items = spec[list];
  if (!Array.isArray(items)) return spec;
  const isOld = (item: unknown): item is Fields =>
    isFields(item) && Object.hasOwn(item, old) && !Object.hasOwn(item, now);
  if (!items.some(isOld)) return spec;
  const renamed = items.map((item: unknown, index) => {
    if (!isOld(item)) return item;
    report({
      code: "HDL0031",
      path: joinPath(`spec.${list}[${index}]`, old),
      message: `${old} is the old name of ${now}`,
      remedy: `Write ${now}.`,
    });
    const { [old]: value, ...rest } = item;
    return { ...rest, [now]: value };
  });
  return { ...spec, [list]: renamed };
}
