/**
 * IST0127, IST0101, HDL0156, HDL0157: policies that no workload is picked by, namespaces that are not there, and policies of action
 * CUSTOM without a server to ask, or with several.
 */
import {
  type AuthorizationPolicy,
  type ExtensionProvider,
  globMatcher,
  labelsMatch,
  type MeshObject,
  selects,
} from "@heddle/model";
import { diagnostic, missing, namesOf } from "../check.ts";
import type { Check, CheckContext } from "../check.ts";
import type { Entry } from "../mesh-index.ts";

export const checkAuthorizationPolicies: Check<AuthorizationPolicy> = function* (entry, context) {
  const { spec } = entry.object;
  yield* unpicked(entry, context);
  yield* absentNamespaces(entry, context);
  if (spec.action !== "CUSTOM") return;
  const wrong = providerProblem(spec.provider?.name ?? "", context);
  if (wrong !== undefined) {
    yield diagnostic(entry, {
      code: "HDL0156",
      level: context.strict ? "Error" : "Warning",
      path: "spec.provider.name",
      message: `${wrong}: what the policy is for is refused.`,
    });
  }
  const rivals = rivalsOf(entry, context);
  if (rivals.length === 0) return;
  yield diagnostic(entry, {
    code: "HDL0157",
    path: "spec.provider.name",
    message: `The AuthorizationPolicies ${namesOf([entry, ...rivals])} ask different servers of the same workloads: what they are for is refused.`,
  });
};

/** Where pods are known: that the policy is for none of them. */
function* unpicked(entry: Entry<AuthorizationPolicy>, context: CheckContext) {
  const { metadata, spec } = entry.object;
  const { selector, targetRef, targetRefs = targetRef ? [targetRef] : [] } = spec;
  if (targetRefs.length > 0 || !context.index.has("Pod")) return;
  const labels = selector?.matchLabels;
  const chosen = selects(labels);
  // Of the whole mesh there is always something.
  if (!chosen && metadata.namespace === context.rootNamespace) return;
  const pods = context.index
    .pods(chosen ? labels : {})
    .filter(({ object }) => reaches(metadata.namespace, object.metadata.namespace, context));
  if (pods.length > 0) return;
  const named = Object.entries(labels ?? {})
    .map(([label, value]) => `${label}=${value}`)
    .toSorted()
    .join();
  yield diagnostic(entry, {
    code: "IST0127",
    level: context.strict ? "Error" : "Warning",
    path: chosen ? "spec.selector" : "metadata.namespace",
    message: chosen
      ? `No matching workloads for this resource with the following labels: ${named}`
      : `No workloads for this resource in namespace ${metadata.namespace}`,
  });
}

/** Where namespaces are known: those that a source names and that none of them is, wildcards included. */
function* absentNamespaces(entry: Entry<AuthorizationPolicy>, context: CheckContext) {
  if (!context.index.has("Namespace")) return;
  const known = context.index.namespaces();
  for (const [index, { from = [] }] of (entry.object.spec.rules ?? []).entries())
    for (const [position, { source }] of from.entries())
      for (const field of ["namespaces", "notNamespaces"] as const)
        for (const [at, name] of (source?.[field] ?? []).entries()) {
          if (known.some(globMatcher([name]))) continue;
          const path = `spec.rules[${index}].from[${position}].source.${field}[${at}]`;
          yield missing(entry, context, { what: "namespace", name, path });
        }
}

/** Policies of the root namespace are for workloads of all. */
function reaches(policy: string, workload: string, { rootNamespace }: CheckContext): boolean {
  return policy === workload || policy === rootNamespace;
}

/** Undefined where nothing is wrong, or nobody knows. */
function providerProblem(
  name: string,
  { extensionProviders, index }: CheckContext,
): string | undefined {
  if (extensionProviders === undefined) return undefined;
  const provider = extensionProviders.find((each) => each.name === name);
  if (!provider) return `The mesh has no extension provider ${JSON.stringify(name)}`;
  return index.hasServices() ? serviceProblem(provider, index) : undefined;
}

function serviceProblem(
  provider: ExtensionProvider,
  index: CheckContext["index"],
): string | undefined {
  const { service = "", port = 0 } = provider.envoyExtAuthzHttp ?? provider.envoyExtAuthzGrpc ?? {};
  const slash = service.indexOf("/");
  const meant = index
    .services(service.slice(slash + 1).toLowerCase())
    .filter(({ namespace }) => slash < 0 || namespace === service.slice(0, slash));
  const named = `extension provider ${JSON.stringify(provider.name)}`;
  if (meant.length === 0) return `The service ${service} of ${named} is not there`;
  if (new Set(meant.map(({ namespace }) => namespace)).size > 1) {
    return `Several namespaces have the service ${service} of ${named}`;
  }
  if (meant.some(({ ports }) => ports.length > 0 && !ports.includes(port))) {
    return `The service ${service} of ${named} has no port ${port}`;
  }
  return undefined;
}

/** Others of action CUSTOM, with another provider, that are for a workload that this one is for. */
function rivalsOf(
  { key, object }: Entry<AuthorizationPolicy>,
  context: CheckContext,
): Entry<AuthorizationPolicy>[] {
  const { namespace } = object.metadata;
  const { index, rootNamespace } = context;
  return [...new Set([namespace, rootNamespace])]
    .flatMap((each) => index.inScope<AuthorizationPolicy>("AuthorizationPolicy", each))
    .filter(
      (other) =>
        other.key !== key &&
        other.object.spec.action === "CUSTOM" &&
        other.object.spec.provider?.name !== object.spec.provider?.name &&
        meet(object, other.object, context),
    );
}

type Policy = MeshObject<AuthorizationPolicy>;

function meet(one: Policy, other: Policy, { index }: CheckContext): boolean {
  const [targets, others] = [targetsOf(one), targetsOf(other)];
  if (targets.length > 0 || others.length > 0) {
    return targets.some((target) => others.includes(target));
  }
  const [labels, otherLabels] = [one, other].map(({ spec }) => spec.selector?.matchLabels ?? {});
  if (!selects(labels) || !selects(otherLabels)) return true;
  if (labelsMatch(labels, otherLabels!) || labelsMatch(otherLabels, labels)) return true;
  return index.pods(labels).some(({ object }) => labelsMatch(otherLabels, object.metadata.labels));
}

function targetsOf({ metadata, spec }: Policy): readonly string[] {
  const { targetRef, targetRefs = targetRef ? [targetRef] : [] } = spec;
  return targetRefs.map(({ kind, name }) => `${kind} ${metadata.namespace}/${name}`);
}
