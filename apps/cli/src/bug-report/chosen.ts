/** Which pods a report is about: namespaces and pods by name, `*` for any part of one. */
import { SYSTEM_NAMESPACES } from "@heddle/injection";

export interface Chosen {
  /** `NAMESPACE` or `NAMESPACE/POD`; none: all. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** Those whose pods are no part of a mesh; included where somebody names them. */
export const USUALLY_EXCLUDED: readonly string[] = [...SYSTEM_NAMESPACES];

export function isChosenNamespace(namespace: string, { include, exclude }: Chosen): boolean {
  const whole = exclude.filter((each) => !each.includes("/"));
  if (whole.some((each) => matches(each, namespace))) return false;
  if (include.length === 0) return true;
  return include.some((each) => matches(each.split("/")[0] ?? "", namespace));
}

export function isChosenPod(namespace: string, pod: string, { include, exclude }: Chosen): boolean {
  const is = (each: string) => {
    const [of = "", name = "*"] = each.split("/");
    return matches(of, namespace) && matches(name, pod);
  };
  return !exclude.some(is) && (include.length === 0 || include.some(is));
}

function matches(pattern: string, name: string): boolean {
  const parts = pattern
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}
