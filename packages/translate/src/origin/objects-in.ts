/** Which of the user's objects an answer of the model consists of. */
import { type MeshObject, objectKey, type ServiceModel } from "@heddle/model";

/** Keys of the objects that an answer is: one, or those of a list. */
export function* keysIn(answer: unknown): Generator<string> {
  if (typeof answer !== "object" || answer === null) return;
  if (Array.isArray(answer)) for (const each of answer) yield* keysIn(each);
  else if (isObject(answer)) yield objectKey(answer);
  else if (isService(answer)) yield serviceKey(answer);
}

/** The same of an answer that may hold objects under names, or one for each namespace; not deeper than `depth`. */
export function* allKeysIn(answer: unknown, depth = 4): Generator<string> {
  if (typeof answer !== "object" || answer === null || depth === 0) return;
  if (Array.isArray(answer) || answer instanceof Map || answer instanceof Set) {
    for (const each of answer.values()) yield* allKeysIn(each, depth - 1);
  } else if (isObject(answer)) yield objectKey(answer);
  else if (isService(answer)) yield serviceKey(answer);
  else for (const each of Object.values(answer)) yield* allKeysIn(each, depth - 1);
}

/** Kinds that say which services and endpoints there are: by their presence they decide which resources exist at all. */
const REGISTRY_KINDS: ReadonlySet<string> = new Set([
  "Service",
  "ServiceEntry",
  "Pod",
  "EndpointSlice",
  "WorkloadEntry",
  "WorkloadGroup",
  "Namespace",
]);

export function isRegistryKey(key: string): boolean {
  return REGISTRY_KINDS.has(key.split("/", 2)[1] ?? "");
}

function isObject(value: object): value is MeshObject {
  return "apiVersion" in value && "kind" in value && "metadata" in value;
}

function isService(value: object): value is ServiceModel {
  return "host" in value && "namespace" in value && "ports" in value && "name" in value;
}

/** Of the Service or ServiceEntry that it was made from. */
function serviceKey({ key, namespace, name }: ServiceModel): string {
  return key || `core/Service/${namespace}/${name}`;
}
