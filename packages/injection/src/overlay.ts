/** One Kubernetes object laid over another, as a strategic merge patch: lists of named things are joined by their names. */
import { type Fields, isFields } from "@heddle/model";

/** What the items of a list are told apart by; other lists are replaced as a whole. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  containers: ["name"],
  initContainers: ["name"],
  volumes: ["name"],
  env: ["name"],
  imagePullSecrets: ["name"],
  volumeMounts: ["mountPath"],
  // Of a container, and of a Service.
  ports: ["containerPort", "port"],
};
const PATCH = "$patch";

/** Null takes a field out; `$patch: delete` an item or a field, `$patch: replace` what was there. */
export function overlay<T extends object>(base: T, patch: object): T {
  if ((patch as Fields)[PATCH] === "replace") return withoutPatch(patch) as T;
  const merged: Record<string, unknown> = { ...(base as Fields) };
  for (const [name, value] of Object.entries(patch)) {
    if (name === PATCH || value === undefined) continue;
    const before = merged[name];
    if (value === null || isDeletion(value)) delete merged[name];
    else if (Array.isArray(value)) merged[name] = overlayList(name, before, value);
    else if (isFields(value)) merged[name] = overlay(isFields(before) ? before : {}, value);
    else merged[name] = value;
  }
  return merged as T;
}

function overlayList(name: string, before: unknown, patch: readonly unknown[]): unknown[] {
  const candidates = Object.hasOwn(KEYS, name) ? (KEYS[name] ?? []) : [];
  const key = candidates.find((each) => patch.every((item) => isFields(item) && each in item));
  if (key === undefined) return [...patch];
  const items = Array.isArray(before) ? [...(before as unknown[])] : [];
  for (const item of patch as Fields[]) {
    const at = items.findIndex((each) => isFields(each) && each[key] === item[key]);
    const known = items[at];
    if (isDeletion(item)) {
      if (at >= 0) items.splice(at, 1);
    } else if (at >= 0 && isFields(known)) items[at] = overlay(known, item);
    else items.push(withoutPatch(item));
  }
  return items;
}

function isDeletion(value: unknown): boolean {
  return isFields(value) && value[PATCH] === "delete";
}

function withoutPatch(value: object): object {
  const { [PATCH]: _, ...rest } = value as Fields;
  return rest;
}
