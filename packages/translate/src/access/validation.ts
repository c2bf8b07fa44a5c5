/** Whether a request is refused by its headers, as a RequestValidation says: by the tree of checks that its proxy has. Bodies are not looked at. */
import type { Action } from "@heddle/envoy/config/rbac/v3";
import type { FilterStateInput } from "@heddle/envoy/extensions/matching/common_inputs/network/v3";
import type { HttpRequestHeaderMatchInput } from "@heddle/envoy/type/matcher/v3";
import type { CelMatcher, Matcher, StringMatcher } from "@heddle/envoy/xds/type/matcher/v3";
import { type AccessStep, type MeshObject, objectKey, type RequestValidation } from "@heddle/model";
import { ABSENT, type Facts, headerOf, type Known } from "../authorization/facts.ts";
import { every, not, some, type Truth } from "../authorization/match.ts";
import { checksOf, PATH_STATE } from "../validation/checks.ts";
import type { Predicate } from "../validation/matcher.ts";
import { valueOf } from "./cel-value.ts";

export function validationStep(
  validation: MeshObject<RequestValidation>,
  facts: Facts,
): AccessStep {
  const { metadata, spec } = validation;
  const name = `${metadata.namespace}/${metadata.name}`;
  const { refusals, tree } = checksOf(validation);
  const found = decide(tree, facts);
  const reports = spec.mode === "REPORT";
  const step = {
    check: "request validation",
    objects: [objectKey(validation)],
    ...(reports ? { dryRun: true } : {}),
  } as const;
  if (found === undefined)
    return {
      ...step,
      outcome: "depends",
      reason: `Whether RequestValidation ${name} refuses it depends on headers that are not known.`,
    };
  const refusal = refusals.find((each) => each.name === found);
  if (!refusal) {
    const later = spec.openapi
      ? " Whether its body keeps to the OpenAPI document is seen later."
      : "";
    return {
      ...step,
      outcome: "passes",
      reason: `RequestValidation ${name} refuses nothing of it.${later}`,
    };
  }
  const place = refusal.name.split("/").slice(3).join("/");
  return {
    ...step,
    outcome: "refused",
    reason: `RequestValidation ${name} ${reports ? "would refuse" : "refuses"} it by ${place}: ${refusal.status}.`,
    remedy: `Change ${place} of the RequestValidation, or the request.`,
  };
}

/** The name of the action that the tree comes to; undefined where that depends on what is not known. */
function decide({ matcherList, onNoMatch }: Matcher, facts: Facts): string | undefined {
  const then = (on: Matcher["onNoMatch"]): string | undefined => {
    if (on?.matcher) return decide(on.matcher, facts);
    return (on?.action?.typedConfig as Action | undefined)?.name ?? "";
  };
  for (const { predicate, onMatch } of matcherList?.matchers ?? []) {
    const truth = predicate ? holds(predicate, facts) : false;
    if (truth === undefined) return undefined;
    if (truth) return then(onMatch);
  }
  return then(onNoMatch);
}

function holds(predicate: Predicate, facts: Facts): Truth {
  const { andMatcher, orMatcher, notMatcher, singlePredicate } = predicate;
  if (andMatcher) return every(andMatcher.predicate ?? [], (each) => holds(each, facts));
  if (orMatcher) return some(orMatcher.predicate ?? [], (each) => holds(each, facts));
  if (notMatcher) return not(holds(notMatcher, facts));
  const { input, valueMatch, customMatch } = singlePredicate ?? {};
  if (customMatch) {
    const { exprMatch } = customMatch.typedConfig as unknown as CelMatcher;
    const value = valueOf(exprMatch?.celExprParsed?.expr ?? {}, facts);
    return value === undefined ? undefined : value === true;
  }
  const text = inputOf(input?.typedConfig as Input | undefined, facts);
  if (text === undefined) return undefined;
  return text !== ABSENT && isText(valueMatch ?? {}, text);
}

type Input = HttpRequestHeaderMatchInput & FilterStateInput;

function inputOf(input: Input | undefined, facts: Facts): Known<string> {
  if (input?.key !== PATH_STATE) return headerOf(facts, input?.headerName ?? "");
  const path = headerOf(facts, ":path");
  return typeof path === "string" ? path.replace(/[?#].*$/s, "") : path;
}

function isText({ exact, prefix, safeRegex }: StringMatcher, text: string): boolean {
  if (exact !== undefined) return text === exact;
  if (prefix !== undefined) return text.startsWith(prefix);
  const regex = safeRegex?.regex ?? "";
  // RE2 takes flags inside of an expression, JavaScript beside it.
  const [whole, flags] = regex.startsWith("(?i)") ? [regex.slice(4), "is"] : [regex, "s"];
  return new RegExp(`^(?:${whole})$`, flags).test(text);
}
