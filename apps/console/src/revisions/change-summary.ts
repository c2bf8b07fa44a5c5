/** A revision's changes in a few words. */
import type { ObjectChangeInfo } from "@heddle/client";
import { countText } from "../format/numbers.ts";

const verb: Record<ObjectChangeInfo["action"], string> = {
  created: "created",
  configured: "changed",
  deleted: "deleted",
  unchanged: "left as they are",
};

/** `VirtualService default/reviews changed`, or counts where there are several. */
export function changeSummary(changes: readonly ObjectChangeInfo[]): string {
  const real = changes.filter(({ action }) => action !== "unchanged");
  const [only] = real;
  if (!only) return "no change";
  if (real.length === 1) return `${objectName(only.key)} ${verb[only.action]}`;
  return (["created", "configured", "deleted"] as const)
    .map((action) => ({ action, count: real.filter((change) => change.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${countText(count, "object")} ${verb[action]}`)
    .join(", ");
}

/** `group/Kind/namespace/name` as `Kind namespace/name`. */
export function objectName(key: string): string {
  const { kind, namespace, name } = splitKey(key);
  return namespace === "-" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

/** The parts of an object's key. */
export function splitKey(key: string): {
  group: string;
  kind: string;
  namespace: string;
  name: string;
} {
  const [group = "", kind = "", namespace = "", ...name] = key.split("/");
  return { group, kind, namespace, name: name.join("/") };
}
