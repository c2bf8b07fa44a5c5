/** Paths of an Ingress: what each type means, and which of several comes first. */
import type { IngressPath } from "../kinds/ingress.ts";

/** At most one of the two is there; without either every path is matched. */
export interface IngressPathMatch {
  readonly exact?: string;
  /** By whole segments, without a slash at its end. */
  readonly segments?: string;
  /** Characters, by which paths are ordered. */
  readonly length: number;
}

export function ingressPathMatch({ path = "", pathType }: IngressPath): IngressPathMatch {
  switch (pathType) {
    case "Exact":
      return { exact: path, length: path.length };
    case "Prefix":
      return bySegments(path);
    case "ImplementationSpecific":
      return asIstioReads(path);
  }
}

/** Exact, or what stands before `.*` or `/*` at its end as a prefix, of whole segments as well. */
function asIstioReads(path: string): IngressPathMatch {
  if (["", "*", "/*", ".*"].includes(path)) return { length: 0 };
  const wildcard = [".*", "/*"].find((end) => path.endsWith(end));
  return wildcard === undefined
    ? { exact: path, length: path.length }
    : bySegments(path.slice(0, -wildcard.length));
}

/** A slash at the end is no part of it: an exact `/a` comes before a prefix `/a/`. */
function bySegments(path: string): IngressPathMatch {
  const segments = path.endsWith("/") ? path.slice(0, -1) : path;
  return segments === "" ? { length: path.length } : { segments, length: segments.length };
}

/** Longer paths first, and exact ones before prefixes; 0 where the older one decides. */
export function byIngressPath(a: IngressPathMatch, b: IngressPathMatch): number {
  return b.length - a.length || Number(b.exact !== undefined) - Number(a.exact !== undefined);
}
