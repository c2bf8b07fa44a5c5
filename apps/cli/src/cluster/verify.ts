/** What of an installation is not as its values make it. */
import type { KubernetesClient } from "@heddle/agent/kubernetes";
import { isOwn, type KubernetesObject } from "@heddle/kube";
import { parse } from "yaml";
import { asked } from "./connect.ts";
import { nameOf, placeOf } from "./places.ts";
import { rolloutOf } from "./ready.ts";

export interface Verified {
  readonly object: string;
  /** Undefined where all is well. */
  readonly problem: string | undefined;
}

/** Helm puts its own name there. */
const NOT_COMPARED = "metadata.labels.app.kubernetes.io/managed-by";

export async function verifyObjects(
  client: KubernetesClient,
  objects: readonly KubernetesObject[],
): Promise<Verified[]> {
  const verified: Verified[] = [];
  for (const object of objects) {
    const there = await asked(client, `say whether there is ${nameOf(object)}`, () =>
      client.find(placeOf(object), object.metadata.name),
    );
    verified.push({ object: nameOf(object), problem: problemOf(object, there) });
  }
  return verified;
}

function problemOf(
  object: KubernetesObject,
  there: Awaited<ReturnType<KubernetesClient["find"]>>,
): string | undefined {
  if (there === undefined) return "is missing";
  const { kind } = object;
  // Somebody's own, which was there before; whether it serves is all that counts.
  const isShared = kind === "CustomResourceDefinition" || kind === "Namespace";
  if (isShared && !isOwn(there.metadata.labels)) return undefined;
  const wanted = kind === "ValidatingWebhookConfiguration" ? withoutPolicies(object) : object;
  const [differs] = differences(meant(wanted), meant(there), "");
  if (differs !== undefined) return differs;
  if (kind !== "Deployment") return undefined;
  const { done, text } = rolloutOf(there);
  return done ? undefined : text;
}

/** Texts of a ConfigMap as the YAML that they are: who wrote it orders and quotes it as he likes. */
function meant<T extends { readonly kind: string; readonly [field: string]: unknown }>(
  object: T,
): T {
  const { data } = object as { data?: Readonly<Record<string, string>> };
  if (object.kind !== "ConfigMap" || data === undefined) return object;
  const read = Object.entries(data).map(([key, text]) => [key, parse(text) as unknown]);
  return { ...object, data: Object.fromEntries(read) as unknown };
}

/** The agent turns these itself, by whether it answers. */
function withoutPolicies(object: KubernetesObject): KubernetesObject {
  const webhooks = object["webhooks"] as readonly Record<string, unknown>[];
  return { ...object, webhooks: webhooks.map(({ failurePolicy: _, ...each }) => each) };
}

/** Fields that were applied and are now others; what else is there are the API server's defaults and what others added. */
export function differences(wanted: unknown, there: unknown, path: string): string[] {
  if (path === NOT_COMPARED) return [];
  const shown = path === "" ? "it" : path;
  if (isEmpty(wanted) && (there === undefined || isEmpty(there))) return [];
  // The API server leaves most fields out that say what they say without.
  if (there === undefined && ZEROS.includes(wanted)) return [];
  if (Array.isArray(wanted)) {
    if (!Array.isArray(there) || there.length !== wanted.length)
      return [`${shown} is ${short(there)} and should be ${short(wanted)}`];
    return wanted.flatMap((each, index) =>
      differences(each, there[index] as unknown, `${path}[${index}]`),
    );
  }
  if (typeof wanted === "object" && wanted !== null) {
    if (typeof there !== "object" || there === null)
      return [`${shown} is ${short(there)} and should be ${short(wanted)}`];
    return Object.entries(wanted).flatMap(([key, value]) =>
      differences(
        value,
        (there as Record<string, unknown>)[key],
        path === "" ? key : `${path}.${key}`,
      ),
    );
  }
  return wanted === there ? [] : [`${shown} is ${short(there)} and should be ${short(wanted)}`];
}

const ZEROS: readonly unknown[] = [0, false, ""];

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function short(value: unknown): string {
  const text = value === undefined ? "missing" : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
