/** IST0149: rules that choose routes by what a token says, at gateways where nobody looks at tokens. */
import {
  type Gateway,
  gatewayReference,
  labelsMatch,
  matchedClaim,
  type RequestAuthentication,
  type VirtualService,
} from "@heddle/model";
import { type Check, type CheckContext, diagnostic } from "../check.ts";
import type { Entry } from "../mesh-index.ts";

export const checkTokenClaims: Check<VirtualService> = function* (entry, context) {
  const { metadata, spec } = entry.object;
  const matched = firstClaim(spec);
  if (matched === undefined) return;
  for (const name of spec.gateways ?? []) {
    if (name === "mesh") continue;
    const gateway = gatewayReference(name, metadata.namespace);
    const found = context.index.entry(`networking.istio.io/Gateway/${gateway}`);
    const { selector } = (found?.object.spec ?? {}) as Partial<Gateway>;
    const pod = selector && context.index.pods(selector).find((each) => !isChecked(each, context));
    if (pod === undefined) continue;
    yield diagnostic(entry, {
      code: "IST0149",
      ...(context.strict ? { level: "Error" as const } : {}),
      path: matched.path,
      message: `${matched.claim} is matched at Gateway ${gateway}, and no RequestAuthentication is for its pod ${pod.object.metadata.name}: no token is looked at there.`,
    });
  }
};

function firstClaim({ http = [] }: VirtualService) {
  for (const [index, { match = [] }] of http.entries())
    for (const [position, each] of match.entries())
      for (const field of ["headers", "withoutHeaders"] as const) {
        const claim = Object.keys(each[field] ?? {}).find((name) => matchedClaim(name));
        if (claim) return { claim, path: `spec.http[${index}].match[${position}].${field}` };
      }
  return undefined;
}

const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

function isChecked({ object: { metadata } }: Entry, context: CheckContext): boolean {
  const { namespace, labels } = metadata;
  return [...new Set([context.rootNamespace, namespace])]
    .flatMap((each) => context.index.inScope<RequestAuthentication>("RequestAuthentication", each))
    .some(({ object: { spec, metadata: of } }) => {
      const { selector, targetRef, targetRefs = targetRef ? [targetRef] : [], jwtRules } = spec;
      if (!jwtRules?.length) return false;
      if (targetRefs.length === 0) return labelsMatch(selector?.matchLabels, labels);
      return (
        of.namespace === namespace &&
        targetRefs.some(({ kind, name }) => kind === "Gateway" && labels[GATEWAY_NAME] === name)
      );
    });
}
