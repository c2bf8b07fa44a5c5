/** An object's metadata, checked and brought into one form. */
import { z } from "zod";
import { nearest } from "./nearest.ts";
import type { Kind } from "./kinds.ts";
import type { ObjectMetadata } from "./object.ts";
import {
  isDnsLabel,
  isDnsName,
  isLabelKey,
  isLabelValue,
  isServiceName,
} from "./validate/names.ts";
import { joinPath } from "./validate/report.ts";
import type { Report } from "./validate/report.ts";

/** Fields of Kubernetes' ObjectMeta. */
const KNOWN_FIELDS = [
  "annotations",
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "finalizers",
  "generateName",
  "generation",
  "labels",
  "managedFields",
  "name",
  "namespace",
  "ownerReferences",
  "resourceVersion",
  "selfLink",
  "uid",
];

/** Kubernetes' limit on all annotations of one object. */
const MAX_ANNOTATIONS = 256 * 1024;

const optional = z.exactOptional;
export const metadataSchema = z.looseObject({
  name: z.string().min(1),
  namespace: optional(z.string()),
  labels: optional(z.record(z.string(), z.string())),
  annotations: optional(z.record(z.string(), z.string())),
  creationTimestamp: optional(z.string()),
  uid: optional(z.string()),
  ownerReferences: optional(
    z.array(
      z.looseObject({
        apiVersion: z.string(),
        kind: z.string(),
        name: z.string(),
        uid: optional(z.string()),
        controller: optional(z.boolean()),
      }),
    ),
  ),
});

export function metadataOf(
  read: z.infer<typeof metadataSchema>,
  kind: Kind,
  defaultNamespace: string,
): ObjectMetadata {
  const { name, labels = {}, annotations = {}, creationTimestamp, uid, ownerReferences } = read;
  return {
    name,
    namespace: kind.namespaced ? read.namespace || defaultNamespace : "",
    labels,
    annotations,
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(uid === undefined ? {} : { uid }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
  };
}

/** Names, labels, and, for kinds of the mesh, fields that nobody knows. */
export function checkMetadata(
  metadata: ObjectMetadata,
  written: Readonly<Record<string, unknown>>,
  kind: Kind,
  report: Report,
): void {
  const { name, namespace, labels, annotations } = metadata;
  const label = kind.kind === "Namespace";
  const valid =
    kind.kind === "Service" ? isServiceName(name) : label ? isDnsLabel(name) : isDnsName(name);
  if (!valid) {
    report({
      code: "HDL0017",
      path: "metadata.name",
      message: `"${name}" cannot name a ${kind.kind}`,
      remedy: "Use lower-case letters, digits and -, beginning and ending with a letter or digit.",
    });
  }
  if (kind.namespaced && !isDnsLabel(namespace)) {
    const path = "metadata.namespace";
    report({ code: "HDL0017", path, message: `"${namespace}" cannot name a namespace` });
  }
  for (const [key, value] of Object.entries(labels)) {
    if (isLabelKey(key) && isLabelValue(value)) continue;
    report({
      code: "HDL0017",
      path: joinPath("metadata.labels", key),
      message: `label ${key}=${value} has a form that is not allowed`,
    });
  }
  for (const key of Object.keys(annotations)) {
    // As Kubernetes does: annotations may be written in either case, labels may not.
    if (isLabelKey(key.toLowerCase())) continue;
    report({
      code: "HDL0017",
      path: joinPath("metadata.annotations", key),
      message: `"${key}" cannot be the key of an annotation`,
    });
  }
  const size = Object.entries(annotations).reduce(
    (total, [key, value]) => total + key.length + value.length,
    0,
  );
  if (size > MAX_ANNOTATIONS) {
    report({
      code: "HDL0014",
      path: "metadata.annotations",
      message: `the annotations have ${size} characters (${MAX_ANNOTATIONS} at most)`,
    });
  }
  if (kind.foreign) return;
  for (const field of Object.keys(written)) {
    if (KNOWN_FIELDS.includes(field)) continue;
    const near = nearest(field, KNOWN_FIELDS);
    report({
      code: "HDL0010",
      path: joinPath("metadata", field),
      message: `metadata has no field "${field}"`,
      ...(near === undefined ? {} : { remedy: `Did you mean ${near}?` }),
    });
  }
}
