/** One response: what it changes at the client, and what it is put together from. */
import type { ValueError } from "@heddle/envoy";
import type { EncodedResource } from "./encoded-resource.ts";
import { type Held, isThere } from "./held-resources.ts";

export interface Change {
  readonly before: Held | undefined;
  readonly after: Held | undefined;
}

/** One response that is to be written. */
export interface Push {
  readonly nonce: string;
  readonly version: string;
  /** `performance.now()`. */
  readonly at: number;
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
  readonly changes: ReadonlyMap<string, Change>;
  /** Names that the client did not have before. */
  readonly added: boolean;
}

export interface PushOptions {
  /** The resource that the client should have under a name that it wants; an error for one that is not valid. */
  readonly lookup: (name: string) => EncodedResource | ValueError | undefined;
  /** Whether a name is left as the client has it for now, because others have to be ready first. */
  readonly waits?: (name: string) => boolean;
  /** Whether anything may be taken away: nothing refers to it any more. */
  readonly removals: boolean;
  /** How long what may be taken away is left where it is, milliseconds, by its name. */
  readonly linger: (name: string) => number;
  readonly revision: number;
}

export function addsNames(changes: ReadonlyMap<string, Change>): boolean {
  for (const { before, after } of changes.values()) {
    if (after?.resource && !isThere(before)) return true;
  }
  return false;
}

export function changedResources(changes: ReadonlyMap<string, Change>): EncodedResource[] {
  const resources: EncodedResource[] = [];
  for (const { after } of changes.values()) if (after?.resource) resources.push(after.resource);
  return resources;
}

export function removedNames(changes: ReadonlyMap<string, Change>): string[] {
  const names: string[] = [];
  for (const [name, { after }] of changes) if (!after?.resource) names.push(name);
  return names;
}
