/** The status of an object of the Gateway API as it is to stand, from what stands there and what we say of it. */
import {
  canonicalJson,
  type Fields,
  GATEWAY_CONTROLLERS,
  type GatewayApiStatus,
  isFields,
} from "@heddle/model";
import { mergeConditions, type Stamp } from "./conditions.ts";

/** Types of conditions that we say of Gateways, listeners and classes; those of other types are somebody else's. */
const OURS: ReadonlySet<string> = new Set([
  "Accepted",
  "Conflicted",
  "InsecureFrontendValidationMode",
  "OverlappingTLSConfig",
  "PartiallyInvalid",
  "Programmed",
  "ResolvedRefs",
  "SupportedVersion",
]);
const isOurs = (type: string) => OURS.has(type);
/** Entries of our own are whole: whatever else stands in them is of an older version of ours. */
const all = () => true;

/** What stands under `parents` or `ancestors` of other controllers stays. */
export function mergeGatewayApiStatus(
  before: Fields,
  wanted: GatewayApiStatus,
  stamp: Stamp,
): Fields {
  if ("parents" in wanted) {
    const parents = mergeEntries(before["parents"], "parentRef", wanted.parents, stamp);
    // A route that nobody has said anything of, and that is none of ours, is left alone.
    return parents.length === 0 && before["parents"] === undefined
      ? before
      : { ...before, parents };
  }
  if ("ancestors" in wanted) {
    const ancestors = mergeEntries(before["ancestors"], "ancestorRef", wanted.ancestors, stamp);
    return { ...before, ancestors };
  }
  const conditions = mergeConditions(before["conditions"], wanted.conditions, isOurs, stamp);
  if (!("listeners" in wanted)) {
    const features = "supportedFeatures" in wanted ? wanted.supportedFeatures : undefined;
    return { ...before, conditions, ...(features ? { supportedFeatures: features } : {}) };
  }
  const { attachedListenerSets: _, addresses, listeners: __, ...rest } = before;
  const now = wanted.addresses ?? addresses;
  return {
    ...rest,
    conditions,
    ...(now === undefined ? {} : { addresses: now }),
    listeners: wanted.listeners.map((listener) => ({
      ...listener,
      conditions: mergeConditions(
        listOf(before["listeners"]).find(({ name }) => name === listener.name)?.["conditions"],
        listener.conditions,
        all,
        stamp,
      ),
    })),
    ...(wanted.attachedListenerSets === undefined
      ? {}
      : { attachedListenerSets: wanted.attachedListenerSets }),
  };
}

interface Entry {
  readonly controllerName: string;
  readonly conditions: Parameters<typeof mergeConditions>[1];
}

function mergeEntries<Name extends "parentRef" | "ancestorRef">(
  before: unknown,
  name: Name,
  wanted: readonly (Entry & { readonly [key in Name]: unknown })[],
  stamp: Stamp,
): Fields[] {
  const known = listOf(before);
  const own = wanted.map((entry) => {
    const reference = canonicalJson(entry[name]);
    const last = known.find(
      (each) =>
        each["controllerName"] === entry.controllerName &&
        canonicalJson(each[name] ?? null) === reference,
    );
    const conditions = mergeConditions(last?.["conditions"], entry.conditions, all, stamp);
    return { [name]: entry[name], controllerName: entry.controllerName, conditions };
  });
  const others = known.filter(({ controllerName }) => controllerName !== GATEWAY_CONTROLLERS[0]);
  return [...others, ...own];
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}
