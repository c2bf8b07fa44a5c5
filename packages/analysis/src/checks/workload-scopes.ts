/**
 * IST0110, IST0111, IST0159, IST0160, HDL0103, HDL0106, HDL0155, HDL0186: several objects where one at most counts for a workload, and
 * selectors of none.
 */
import type { MeshObject } from "@heddle/model";
import { canonicalJson, labelsMatch, selects } from "@heddle/model";
import { diagnostic, missing, namesOf } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";
import type { Entry } from "../mesh-index.ts";

type Labels = Readonly<Record<string, string>>;

/** Labels of workloads, undefined or none of them for all; or names of objects of the namespace that it is bound to. */
export type Scope = Labels | readonly string[] | undefined;

interface ScopeCodes {
  /** Two that select the same workload. */
  readonly selected: string;
  /** Two for the whole namespace. */
  readonly whole: string;
}

/** Kinds of which the oldest one that selects a workload decides alone. */
export function workloadScopes<Spec>(
  scopeOf: (spec: Spec) => Scope,
  codes: ScopeCodes,
): Check<Spec> {
  return function* (entry, context) {
    const { object } = entry;
    const { kind, metadata } = object;
    const scope = scopeOf(object.spec);
    const pods = isNamed(scope) ? [] : podsOf(metadata.namespace, scope, context);
    const path = pathOf(object, scope);
    if (selects(labelsOf(scope)) && context.index.has("Pod") && pods.length === 0) {
      yield missing(entry, context, { what: "selector", name: scopeText(scope), path });
    }
    const rivals = context.index
      .inScope<Spec>(kind, metadata.namespace)
      .filter((other) => other.key !== entry.key && meet(scope, scopeOf(other.object.spec), pods));
    if (rivals.length === 0) return;
    const whole = isWhole(scope);
    const what = whole
      ? "have no workload selector"
      : isNamed(scope)
        ? `are for the same object (${scopeText(scope)})`
        : `select the same workloads (${scopeText(scope)})`;
    yield diagnostic(entry, {
      code: whole ? codes.whole : codes.selected,
      level: context.force ? "Warning" : "Error",
      path,
      message: `The ${kind} resources ${namesOf([entry, ...rivals])} in namespace ${JSON.stringify(metadata.namespace)} ${what}: only the oldest would count.`,
    });
  };
}

/** Whether two scopes are as narrow, and hold for one workload; `pods` are those of the first. */
function meet(own: Scope, theirs: Scope, pods: readonly Labels[]): boolean {
  if (isNamed(own) || isNamed(theirs)) {
    return isNamed(own) && isNamed(theirs) && own.some((name) => theirs.includes(name));
  }
  if (!selects(own) || !selects(theirs)) return !selects(own) && !selects(theirs);
  return (
    canonicalJson(theirs) === canonicalJson(own) ||
    pods.some((labels) => labelsMatch(theirs, labels))
  );
}

/** Labels of the pods that a selector picks in its own namespace. */
function podsOf(
  namespace: string,
  selector: Labels | undefined,
  { index }: CheckContext,
): readonly Labels[] {
  if (!selects(selector)) return [];
  return index
    .pods(selector)
    .filter(({ object }: Entry) => object.metadata.namespace === namespace)
    .map(({ object }) => object.metadata.labels);
}

function isNamed(scope: Scope): scope is readonly string[] {
  return Array.isArray(scope);
}

function labelsOf(scope: Scope): Labels | undefined {
  return isNamed(scope) ? undefined : scope;
}

function isWhole(scope: Scope): boolean {
  return !isNamed(scope) && !selects(scope);
}

function pathOf({ spec }: MeshObject, scope: Scope): string {
  if (isWhole(scope)) return "metadata.name";
  if (isNamed(scope))
    return "targetRefs" in (spec as object) ? "spec.targetRefs" : "spec.targetRef";
  return "workloadSelector" in (spec as object) ? "spec.workloadSelector" : "spec.selector";
}

function scopeText(scope: Scope): string {
  if (isNamed(scope)) return scope.toSorted().join(",");
  return Object.entries(scope ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join(",");
}
