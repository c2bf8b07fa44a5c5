/** Status of routes: what each of their parents makes of them. */
import type * as GatewayApi from "../../kinds/gateway-api/index.ts";
import type { MeshObject } from "../../object.ts";
import { parentState } from "../attachment.ts";
import { parentsOf } from "../default-gateways.ts";
import { backendFilterProblem, routeFilterProblem } from "../filters.ts";
import { GATEWAY_CONTROLLERS } from "../gateway-class.ts";
import { referrerOf } from "../listeners.ts";
import type { GatewayApiReader, RouteObject } from "../reader.ts";
import { isBroken, ofMeshRoutes, resolveBackend } from "../references.ts";
import { type Condition, fails, holds } from "./condition.ts";

export interface RouteParentStatus {
  readonly parentRef: GatewayApi.ParentReference;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

/** Of the parents that are ours. */
export function routeStatus(
  read: GatewayApiReader,
  route: RouteObject,
): { readonly parents: readonly RouteParentStatus[] } {
  const known: { mesh?: RulesConditions; gateway?: RulesConditions } = {};
  const rulesFor = (parent: keyof typeof known) =>
    (known[parent] ??= rulesConditions(parent === "mesh" ? ofMeshRoutes(read) : read, route));
  const parents = parentsOf(read, route).flatMap(
    ({ reference: parentRef, path }): RouteParentStatus[] => {
      const found = parentState(read, route, parentRef);
      if (found.state === "foreign") return [];
      const refused =
        found.state === "refused"
          ? fails("Accepted", found.reason, found.message, path)
          : undefined;
      const shared = rulesFor(found.state === "mesh" ? "mesh" : "gateway");
      const conditions = [
        refused ?? shared.unsupported ?? holds("Accepted", "Accepted"),
        shared.references,
        ...(refused || !shared.partial ? [] : [shared.partial]),
      ];
      return [{ parentRef, controllerName: GATEWAY_CONTROLLERS[0] ?? "", conditions }];
    },
  );
  return { parents };
}

interface RulesConditions {
  /** Every rule asks for something that is not known. */
  readonly unsupported?: Condition;
  /** Some do. */
  readonly partial?: Condition;
  readonly references: Condition;
}

interface Rule {
  readonly filters?: readonly GatewayApi.HTTPRouteFilter[];
  readonly backendRefs?: readonly GatewayApi.HTTPBackendRef[];
}

/** What of the rules is the same for all parents of a kind. */
function rulesConditions(read: GatewayApiReader, route: RouteObject): RulesConditions {
  const rules = (route.spec.rules ?? []) as readonly Rule[];
  let broken: Condition | undefined;
  const unsupported: Condition[] = [];
  for (const [index, rule] of rules.entries()) {
    const path = `spec.rules[${index}]`;
    broken ??= brokenReference(read, route, rule, path);
    const problem = unsupportedFilter(rule, path);
    if (problem) unsupported.push(problem);
  }
  const [first] = unsupported;
  const references = broken ?? holds("ResolvedRefs", "ResolvedRefs");
  if (!first) return { references };
  if (unsupported.length === rules.length) return { unsupported: first, references };
  const partial: Condition = {
    ...first,
    type: "PartiallyInvalid",
    status: "True",
    message: `requests of this rule are refused: ${first.message}`,
  };
  return { partial, references };
}

function unsupportedFilter(rule: Rule, path: string): Condition | undefined {
  const { filters = [], backendRefs = [] } = rule;
  const own = routeFilterProblem(filters);
  if (own && own.reason !== "InvalidKind") {
    return fails("Accepted", own.reason, own.message, `${path}.filters[${own.index}]`);
  }
  for (const [at, reference] of backendRefs.entries()) {
    const problem = backendFilterProblem(reference.filters ?? [], backendRefs.length);
    if (!problem || problem.reason === "InvalidKind") continue;
    const where = `${path}.backendRefs[${at}].filters[${problem.index}]`;
    return fails("Accepted", problem.reason, problem.message, where);
  }
  return undefined;
}

function brokenReference(
  read: GatewayApiReader,
  route: MeshObject,
  { filters = [], backendRefs = [] }: Rule,
  path: string,
): Condition | undefined {
  const from = referrerOf(route);
  const datagrams = route.kind === "UDPRoute";
  const references: [GatewayApi.BackendObjectReference, string][] = [];
  const filterLists: [readonly GatewayApi.HTTPRouteFilter[], string][] = [
    [filters, `${path}.filters`],
  ];
  for (const [at, reference] of backendRefs.entries()) {
    const here = `${path}.backendRefs[${at}]`;
    references.push([reference, here]);
    filterLists.push([reference.filters ?? [], `${here}.filters`]);
  }
  for (const [list, here] of filterLists) {
    for (const [at, { requestMirror, externalAuth }] of list.entries()) {
      if (requestMirror) {
        references.push([requestMirror.backendRef, `${here}[${at}].requestMirror.backendRef`]);
      }
      if (externalAuth) {
        references.push([externalAuth.backendRef, `${here}[${at}].externalAuth.backendRef`]);
      }
    }
    const problem = routeFilterProblem(list);
    if (problem?.reason === "InvalidKind") {
      return fails("ResolvedRefs", problem.reason, problem.message, `${here}[${problem.index}]`);
    }
  }
  for (const [reference, here] of references) {
    const found = resolveBackend(read, from, reference, { datagrams });
    if (isBroken(found)) return fails("ResolvedRefs", found.reason, found.message, here);
  }
  return undefined;
}
