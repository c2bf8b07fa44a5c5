/**
 * What stands in the place of a policy that cannot be read: a guard that nobody understands is no open door. What the policy is
 * for is refused under its name until it is corrected.
 */
import { isDryRun } from "./dry-run.ts";
import { type Fields, isFields } from "./fields.ts";
import { groupOf, type MeshObject } from "./object.ts";
import { parseObject, type ParseOptions } from "./parse-object.ts";

const CLOSED: Readonly<Record<string, Fields>> = {
  AuthorizationPolicy: { action: "DENY", rules: [{}] },
  PeerAuthentication: { mtls: { mode: "STRICT" } },
  // A token that nobody can sign.
  RequestAuthentication: { jwtRules: [{ issuer: "unreadable", presence: "REQUIRED" }] },
};

/**
 * Of a document that `parseObject` gave no object for. Undefined for what guards nothing: other kinds, policies of action AUDIT, and
 * those that are only tried out. Whom it is for is kept where that can be read; else it is for its whole namespace.
 */
export function closedInstead(
  document: unknown,
  options: Pick<ParseOptions, "defaultNamespace"> = {},
): MeshObject | undefined {
  if (!isFields(document)) return undefined;
  const { apiVersion, kind, metadata } = document;
  if (typeof apiVersion !== "string" || groupOf(apiVersion) !== "security.istio.io")
    return undefined;
  if (typeof kind !== "string" || !Object.hasOwn(CLOSED, kind) || !isFields(metadata))
    return undefined;
  const spec = fieldsOf(document["spec"]);
  const annotations = fieldsOf(metadata["annotations"]) as Record<string, string>;
  if (spec["action"] === "AUDIT" || isDryRun({ annotations })) return undefined;
  // Labels may say that it is another revision's.
  const named = pick(metadata, ["name", "namespace", "labels", "creationTimestamp"]);
  for (const target of [pick(spec, ["selector", "targetRef", "targetRefs"]), {}]) {
    const closed = { apiVersion, kind, metadata: named, spec: { ...target, ...CLOSED[kind] } };
    const { object } = parseObject(closed, options);
    if (object) return object;
  }
  return undefined;
}

function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => names.includes(name)));
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}
