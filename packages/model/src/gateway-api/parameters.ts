/** What a Gateway's `infrastructure.parametersRef` says of the objects that are made for it: a ConfigMap of patches, as Istio has it. */
import { parse } from "yaml";
import { isFields } from "../fields.ts";
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { ConfigMap } from "../kinds/kubernetes.ts";
import type { MeshObject } from "../object.ts";
import { isBroken, type BrokenReference } from "./references.ts";
import type { GatewayApiReader } from "./reader.ts";

/** Objects that may be patched, by the ConfigMap's keys. The last two are made only where there is a patch for them. */
export const PATCHED_OBJECTS = [
  "serviceAccount",
  "deployment",
  "service",
  "horizontalPodAutoscaler",
  "podDisruptionBudget",
] as const;

export type PatchedObject = (typeof PATCHED_OBJECTS)[number];

export type GatewayPatches = Readonly<Partial<Record<PatchedObject, object>>>;

/** Undefined where the Gateway names none, or where nobody knows ConfigMaps. */
export function gatewayPatches(
  read: Pick<GatewayApiReader, "object" | "knowsSecrets">,
  { metadata, spec }: MeshObject<GatewayApi.Gateway>,
): GatewayPatches | BrokenReference<"InvalidParameters"> | undefined {
  const reference = spec.infrastructure?.parametersRef;
  if (reference === undefined) return undefined;
  const { group, kind, name } = reference;
  if (group !== "" || kind !== "ConfigMap")
    return invalid(
      `${kind}${group === "" ? "" : ` of ${group}`} ${name} is no ConfigMap, which is what is read here`,
    );
  const map = read.object<ConfigMap>(`core/ConfigMap/${metadata.namespace}/${name}`);
  if (map === undefined)
    return read.knowsSecrets
      ? invalid(`there is no ConfigMap ${metadata.namespace}/${name}`)
      : undefined;
  const patches: Partial<Record<PatchedObject, object>> = {};
  for (const [key, text] of Object.entries(map.spec.data ?? {})) {
    const object = PATCHED_OBJECTS.find((each) => each === key);
    if (object === undefined)
      return invalid(`ConfigMap ${name} has a key ${key}; there are ${PATCHED_OBJECTS.join(", ")}`);
    const patch = patchIn(text);
    if (patch === undefined) return invalid(`${key} of ConfigMap ${name} is no YAML of an object`);
    patches[object] = patch;
  }
  return patches;
}

export function isInvalid(
  found: ReturnType<typeof gatewayPatches>,
): found is BrokenReference<"InvalidParameters"> {
  return found !== undefined && isBroken(found as object);
}

function invalid(message: string): BrokenReference<"InvalidParameters"> {
  return { reason: "InvalidParameters", message };
}

function patchIn(text: string): object | undefined {
  try {
    const value: unknown = parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
