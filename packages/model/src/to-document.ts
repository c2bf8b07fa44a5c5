/** An object as Kubernetes has it in files: what stands under `spec` here goes back to its place. */
import { kindOf } from "./kinds.ts";
import type { MeshObject } from "./object.ts";

/** The document form of an object; reading it again gives an equal object. */
export function toDocument(object: MeshObject): Record<string, unknown> {
  const { apiVersion, kind, spec } = object;
  const known = kindOf(apiVersion, kind);
  const head = { apiVersion, kind, metadata: metadataDocument(object) };
  if (known && !known.hasSpec) return { ...head, ...(spec as object) };
  if (!known?.foreign) return { ...head, spec };
  const { status, ...rest } = spec as Record<string, unknown>;
  return { ...head, spec: rest, ...(status === undefined ? {} : { status }) };
}

function metadataDocument({ metadata }: MeshObject): Record<string, unknown> {
  const { namespace, labels, annotations, ...rest } = metadata;
  return {
    ...rest,
    ...(namespace === "" ? {} : { namespace }),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}
