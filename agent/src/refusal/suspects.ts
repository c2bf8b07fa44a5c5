/** Which of the objects behind a refused resource is to blame, most likely first. */
import type { MeshObject } from "@heddle/model";
import type { Unproven } from "./holds.ts";

export interface Suspect {
  readonly key: string;
  readonly object: MeshObject<unknown> | null;
  readonly unproven: Unproven | undefined;
}

export interface Ranked extends Suspect {
  /** Length of the longest text of the object that Envoy's message repeats; 0 for none. */
  readonly named: number;
}

/** Shorter texts stand in many messages by chance. */
const SHORTEST = 4;
/** Envoy's words that objects contain too. */
const COMMON = /^(?:https?|grpc|tcp|envoy|type|name|route|cluster|listener|default|true|false)$/i;

/** What Envoy's message repeats comes first, then what changed last; objects that proxies hold already come last. */
export function rankSuspects(suspects: readonly Suspect[], message: string): Ranked[] {
  return suspects
    .map((suspect) => ({ ...suspect, named: longestNamed(suspect.object, message) }))
    .toSorted(
      (a, b) =>
        Number(b.named > 0) - Number(a.named > 0) ||
        Number(changedLately(b)) - Number(changedLately(a)) ||
        (b.unproven?.changedAt ?? 0) - (a.unproven?.changedAt ?? 0) ||
        b.named - a.named ||
        (a.key < b.key ? -1 : 1),
    );
}

/** It changed since proxies last took everything, and what it was before is known. */
export function changedLately({ unproven }: Suspect): boolean {
  return unproven !== undefined && !unproven.initial;
}

function longestNamed(object: MeshObject<unknown> | null, message: string): number {
  let longest = 0;
  const look = (value: unknown): void => {
    if (typeof value === "string") {
      if (value.length > longest && value.length >= SHORTEST && !COMMON.test(value)) {
        if (message.includes(value)) longest = value.length;
      }
    } else if (Array.isArray(value)) for (const each of value) look(each);
    else if (typeof value === "object" && value !== null)
      for (const each of Object.values(value)) look(each);
  };
  look(object?.spec);
  return longest;
}
