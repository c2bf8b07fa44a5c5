/** HDL0132 at the object that a conflict of the Gateway API leaves in place: conditions tell of it only at the other. */
import {
  byAgeAndKind,
  type GatewayApi,
  gatewayOfSet,
  type MeshObject,
  objectKey,
  parentKey,
  placeOf,
  type RouteObject,
  routeOfRival,
} from "@heddle/model";
import type { CheckContext } from "../check.ts";
import { diagnostic, namesOf } from "../check.ts";
import { gatewayApiReader } from "../gateway-api.ts";
import type { Entry } from "../mesh-index.ts";

export function* checkGatewayApiRivals(entry: Entry, context: CheckContext) {
  const { kind } = entry.object;
  const losers =
    kind === "BackendTLSPolicy"
      ? policiesBehind(entry as Entry<GatewayApi.BackendTLSPolicy>, context)
      : kind === "HTTPRoute" || kind === "GRPCRoute"
        ? routesBehind(entry as Entry<RouteObject["spec"]>, context)
        : kind === "Gateway" || kind.endsWith("ListenerSet")
          ? setsBehind(entry, context)
          : [];
  if (losers.length === 0) return;
  const kinds = [...new Set(losers.map(({ object }) => object.kind))].join(" and ");
  yield diagnostic(entry, {
    code: "HDL0132",
    level: context.force ? "Warning" : "Error",
    path: PATHS[kind] ?? "spec.parentRefs",
    message: `${kinds} ${namesOf(losers)} claims what this ${kind} has, which goes first, and has no effect there.`,
  });
}

const PATHS: Readonly<Record<string, string>> = {
  BackendTLSPolicy: "spec.targetRefs",
  Gateway: "spec.listeners",
  ListenerSet: "spec.listeners",
  XListenerSet: "spec.listeners",
};

/** Younger policies with one of its targets. */
function policiesBehind(
  { key, object }: Entry<GatewayApi.BackendTLSPolicy>,
  { index }: CheckContext,
): Entry[] {
  const { metadata, spec } = object;
  const names = (each: GatewayApi.BackendTLSPolicy) =>
    each.targetRefs.map(({ name, sectionName }) => `${name} ${sectionName ?? ""}`);
  const own = names(spec);
  const found = spec.targetRefs
    .filter(({ group, kind }) => group === "" && kind === "Service")
    .flatMap(({ name }) =>
      index.at<GatewayApi.BackendTLSPolicy>(
        placeOf.backendTlsPolicies(`${metadata.namespace}/${name}`),
      ),
    )
    .filter(
      (other) =>
        other.key !== key &&
        byAgeAndKind(object, other.object) < 0 &&
        names(other.object.spec).some((name) => own.includes(name)),
    );
  return unique(found);
}

/** Routes of the other kind that a listener does not take because of it. */
function routesBehind({ object }: Entry<RouteObject["spec"]>, { index }: CheckContext): Entry[] {
  const { namespace } = object.metadata;
  const parents = new Set((object.spec.parentRefs ?? []).map((each) => parentKey(each, namespace)));
  const read = gatewayApiReader(index);
  const lost = [...parents].flatMap((parent) =>
    [...read.routeRivals(parent)].filter(([, winner]) => winner === (object as MeshObject)),
  );
  return unique(lost.flatMap(([rival]) => index.entry(routeOfRival(rival)) ?? []));
}

/** ListenerSets with a listener that is not served because of one of its own. */
function setsBehind({ key, object }: Entry, { index }: CheckContext): Entry[] {
  const { metadata, spec } = object;
  const gateway =
    object.kind === "Gateway"
      ? `${metadata.namespace}/${metadata.name}`
      : gatewayOfSet(spec as GatewayApi.ListenerSet, metadata.namespace);
  if (gateway === undefined) return [];
  return unique(
    gatewayApiReader(index)
      .listeners(gateway)
      .filter(({ owner, problems }) =>
        problems.some(({ rival }) => rival && owner !== rival && objectKey(rival) === key),
      )
      .flatMap(({ owner }) => index.entry(objectKey(owner)) ?? []),
  );
}

function unique(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [entry.key, entry])).values()];
}
