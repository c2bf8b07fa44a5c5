/** One plane in a cluster: what was chosen, and how its objects are called and marked. */
import type { PlaneValues } from "./values.ts";

export const PLANE = "heddle-plane";
/** On what data is kept in or read with, where it is to outlive the plane: it is removed only when that is asked for. */
export const DATA_LABEL = "heddle.dev/data";

export interface PlaneInstallation {
  readonly namespace: string;
  /** Of all its objects, but for the Secret that agents read. */
  readonly name: string;
  /** On all its objects. */
  readonly labels: Readonly<Record<string, string>>;
  /** By which Deployment and Service know its pods; they cannot change later. */
  readonly selector: Readonly<Record<string, string>>;
  readonly values: PlaneValues;
}

/** The Secret of the keys of the plane of that name. */
export function keysOf(name: string): string {
  return `${name}-keys`;
}

/** The claim that is made for its data. */
export function claimOf(name: string): string {
  return `${name}-data`;
}
