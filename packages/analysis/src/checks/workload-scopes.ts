/** IST0110, IST0111, IST0159, IST0160, HDL0106: several objects where one at most counts for a workload, and selectors of none. */
import type { MeshObject } from "@heddle/model";
import { canonicalJson, labelsMatch, selects } from "@heddle/model";
import { diagnostic, missing, namesOf } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";
import type { Entry } from "../mesh-index.ts";

type Labels = Readonly<Record<string, string>>;

interface ScopeCodes {
  /** Two that select the same workload. */
  readonly selected: string;
  /** Two for the whole namespace. */
  readonly whole: string;
}

/** Kinds of which the oldest one that selects a workload decides alone; `named` for one that applies to no workload by labels. */
export function workloadScopes<Spec>(
  selectorOf: (spec: Spec) => Labels | "named" | undefined,
  codes: ScopeCodes,
): Check<Spec> {
  const labelsOf = (spec: Spec): Labels | undefined => {
    const selector = selectorOf(spec);
    return selector === "named" ? undefined : selector;
  };
  return function* (entry, context) {
    const { object } = entry;
    const { kind, metadata } = object;
    const selector = selectorOf(object.spec);
    if (selector === "named") return;
    const others = context.index
      .inScope<Spec>(kind, metadata.namespace)
      .filter(({ key, object: other }) => key !== entry.key && selectorOf(other.spec) !== "named");
    const level = context.force ? "Warning" : "Error";
    const path = selects(selector) ? selectorPath(object) : "metadata.name";
    if (!selects(selector)) {
      const rivals = others.filter((other) => !selects(labelsOf(other.object.spec)));
      if (rivals.length === 0) return;
      yield diagnostic(entry, {
        code: codes.whole,
        level,
        path,
        message: `The ${kind} resources ${namesOf([entry, ...rivals])} in namespace ${JSON.stringify(metadata.namespace)} have no workload selector: only the oldest would count.`,
      });
      return;
    }
    const pods = podsOf(metadata.namespace, selector, context);
    if (context.index.has("Pod") && pods.length === 0) {
      yield missing(entry, context, { what: "selector", name: labelText(selector), path });
    }
    const rivals = others.filter(({ object: other }) => {
      const theirs = labelsOf(other.spec);
      return (
        selects(theirs) &&
        (canonicalJson(theirs) === canonicalJson(selector) ||
          pods.some((labels) => labelsMatch(theirs, labels)))
      );
    });
    if (rivals.length === 0) return;
    yield diagnostic(entry, {
      code: codes.selected,
      level,
      path,
      message: `The ${kind} resources ${namesOf([entry, ...rivals])} in namespace ${JSON.stringify(metadata.namespace)} select the same workloads (${labelText(selector)}): only the oldest would count.`,
    });
  };
}

/** Labels of the pods that a selector picks in its own namespace. */
function podsOf(namespace: string, selector: Labels, { index }: CheckContext): readonly Labels[] {
  return index
    .pods(selector)
    .filter(({ object }: Entry) => object.metadata.namespace === namespace)
    .map(({ object }) => object.metadata.labels);
}

function selectorPath({ spec }: MeshObject): string {
  return "workloadSelector" in (spec as object) ? "spec.workloadSelector" : "spec.selector";
}

function labelText(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .toSorted()
    .join(",");
}
