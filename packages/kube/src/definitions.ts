/** Custom resource definitions of the mesh's kinds: Istio's under Istio's names, and our own. The Gateway API's are its project's. */
import { type Kind, kinds, oldNames } from "@heddle/model";
import { type StructuralSchema, structuralSchema } from "./structural.ts";

export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: object;
}

/** As Istio's users call them. */
const SHORT_NAMES: Readonly<Record<string, readonly string[]>> = {
  AuthorizationPolicy: ["ap"],
  DestinationRule: ["dr"],
  Gateway: ["gw"],
  PeerAuthentication: ["pa"],
  RequestAuthentication: ["ra"],
  ServiceEntry: ["se"],
  Telemetry: ["telemetry"],
  VirtualService: ["vs"],
  WorkloadEntry: ["we"],
  WorkloadGroup: ["wg"],
};

/** Kinds that have a definition of ours. */
export const definedKinds: readonly Kind[] = kinds.filter(
  ({ group, foreign }) => !foreign && (group.endsWith(".istio.io") || group === "heddle.dev"),
);

/** Every version that the model reads is served; the newest is stored. */
export function definitionOf(kind: Kind): CustomResourceDefinition {
  const { group, kind: name, plural, versions, namespaced } = kind;
  const schema = schemaOf(kind);
  const family = group.split(".")[0] ?? group;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: {
        ...{ kind: name, listKind: `${name}List`, plural, singular: name.toLowerCase() },
        ...(SHORT_NAMES[name] ? { shortNames: SHORT_NAMES[name] } : {}),
        ...(group.endsWith(".istio.io") ? { categories: ["istio-io", `${family}-istio-io`] } : {}),
      },
      scope: namespaced ? "Namespaced" : "Cluster",
      versions: versions.map((version, index) => ({
        ...{ name: version, served: true, storage: index === 0 },
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
        ],
        schema: { openAPIV3Schema: schema },
      })),
    },
  };
}

function schemaOf({ kind, schema, needsSpec }: Kind): StructuralSchema {
  return {
    type: "object",
    properties: {
      spec: withOldNames(kind, structuralSchema(schema)),
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
    ...(needsSpec ? { required: ["spec"] } : {}),
  };
}

/** A field that may be written by its older name stands under both. */
function withOldNames(kind: string, spec: StructuralSchema): StructuralSchema {
  const name = Object.hasOwn(oldNames, kind) ? oldNames[kind] : undefined;
  if (!name) return spec;
  const list = spec.properties?.[name.list];
  const field = list?.items?.properties?.[name.now];
  if (!list?.items || !field) return spec;
  const items = { ...list.items, properties: { ...list.items.properties, [name.old]: field } };
  return { ...spec, properties: { ...spec.properties, [name.list]: { ...list, items } } };
}
