/** HDL0158, HDL0159: rules for a host or a path that the same host or path, written in another way, is not matched by. */
import {
  type AuthorizationOperation,
  type AuthorizationPolicy,
  labelsMatch,
  type RequestValidation,
  selects,
} from "@heddle/model";
import type { Check, CheckContext } from "../check.ts";
import { diagnostic } from "../check.ts";
import type { Entry } from "../mesh-index.ts";

type Field = "hosts" | "notHosts" | "paths" | "notPaths";

/** `a.test:8080` is no `a.test`: what is denied by its name alone is let in with a port beside it. */
export const checkHostsWithoutPorts: Check<AuthorizationPolicy> = function* (entry) {
  for (const { path, field, values } of fieldsOf(entry.object.spec, ["hosts", "notHosts"])) {
    const bare = values.filter(
      (value) => isBare(value) && !values.some((other) => other === `${value}:*`),
    );
    const [first] = bare;
    if (first === undefined) continue;
    const hole = opensHole(entry.object.spec, field);
    yield diagnostic(entry, {
      code: "HDL0158",
      level: hole ? "Warning" : "Info",
      path,
      message: `${bare.join(", ")}: a request that names a port beside the host, such as ${first.replace("*", "a")}:8080, is not matched${hole ? ", and is let in" : ""}.`,
      remedy: `Add ${bare
        .slice(0, 3)
        .map((value) => JSON.stringify(`${value.replace(/^\*/, "")}:*`))
        .join(", ")} beside it${first.startsWith("*") ? ", for each host by its own name" : ""}.`,
    });
  }
};

/** Between workloads `//secret` and `/%2fsecret` stay what they are, unless a RequestValidation says otherwise. */
export const checkPathsAsWritten: Check<AuthorizationPolicy> = function* (entry, context) {
  const { spec, metadata } = entry.object;
  const targets = spec.targetRefs ?? (spec.targetRef ? [spec.targetRef] : []);
  // Gateways rewrite paths by themselves.
  if (targets.length > 0 || rewritten(entry, context)) return;
  for (const { path, field, values } of fieldsOf(spec, ["paths", "notPaths"])) {
    if (!opensHole(spec, field)) continue;
    const [first] = values.filter((value) => /^\/[^*{]/.test(value));
    if (first === undefined) continue;
    yield diagnostic(entry, {
      code: "HDL0159",
      path,
      message: `${first} does not match the same path with a second slash (/${first}) or an escaped one (/%2f${first.slice(1)}), which many servers take for the same.`,
      remedy: `Let a RequestValidation for the workloads of ${metadata.namespace || "the mesh"} rewrite paths before rules see them: paths: {mergeSlashes: true, escapedSlashes: DECODE}; or turn it round and let policies of action ALLOW name what may be asked for.`,
    });
  }
};

function* fieldsOf(
  { rules = [] }: AuthorizationPolicy,
  fields: readonly Field[],
): Generator<{ path: string; field: Field; values: readonly string[] }> {
  for (const [at, { to = [] }] of rules.entries())
    for (const [index, { operation = {} as AuthorizationOperation }] of to.entries())
      for (const field of fields) {
        const values = operation[field] ?? [];
        if (values.length > 0)
          yield { path: `spec.rules[${at}].to[${index}].operation.${field}`, field, values };
      }
}

/** Whether what a field does not match is let in. */
function opensHole({ action = "ALLOW" }: AuthorizationPolicy, field: Field): boolean {
  const negated = field.startsWith("not");
  return action === "ALLOW" ? negated : action !== "AUDIT" && !negated;
}

/** A whole name, or one by its end; an IPv6 address has colons of its own. */
function isBare(host: string): boolean {
  return host !== "*" && !host.endsWith("*") && !/:\d+$/.test(host.replace(/^\[.*\]/, ""));
}

/** Whether all workloads of the policy have their paths rewritten, as far as selectors tell. */
function rewritten({ object }: Entry<AuthorizationPolicy>, context: CheckContext): boolean {
  const { index, rootNamespace } = context;
  const labels = object.spec.selector?.matchLabels ?? {};
  return [...new Set([object.metadata.namespace, rootNamespace])]
    .flatMap((namespace) => index.inScope<RequestValidation>("RequestValidation", namespace))
    .some(({ object: { spec, metadata } }) => {
      const own = spec.selector?.matchLabels;
      const covers =
        !selects(own) ||
        (metadata.namespace === object.metadata.namespace && labelsMatch(own, labels));
      return covers && !spec.targetRefs?.length && spec.mode !== "REPORT" && isStrict(spec);
    });
}

function isStrict({ paths: { mergeSlashes, escapedSlashes = "KEEP" } = {} }: RequestValidation) {
  return mergeSlashes === true && escapedSlashes !== "KEEP";
}
