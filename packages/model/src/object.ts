/** What every configuration object has, whatever its kind, and the key that names it. */

/** One object of a mesh. Kubernetes' own kinds keep everything but apiVersion, kind and metadata under `spec`. */
export interface MeshObject<Spec = unknown> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMetadata;
  readonly spec: Spec;
}

export interface ObjectMetadata {
  readonly name: string;
  /** Empty for objects of the whole cluster. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339; absent for an object that no cluster or plane has stored yet. */
  readonly creationTimestamp?: string;
  readonly uid?: string;
  /** Who made it: a Pod's ReplicaSet, for example. */
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
  readonly controller?: boolean;
}

/** `group/Kind/namespace/name`; the group without a name is `core`, the namespace of the whole cluster is `-`. */
export function objectKey(object: Pick<MeshObject, "apiVersion" | "kind" | "metadata">): string {
  const { namespace, name } = object.metadata;
  return `${groupOf(object.apiVersion)}/${object.kind}/${namespace === "" ? "-" : namespace}/${name}`;
}

/** The parts of an `objectKey`; undefined when the text is none. */
export function parseObjectKey(
  key: string,
): { group: string; kind: string; namespace: string; name: string } | undefined {
  const [group, kind, namespace, name, ...rest] = key.split("/");
  if (!group || !kind || !namespace || !name || rest.length > 0) return undefined;
  return { group, kind, namespace: namespace === "-" ? "" : namespace, name };
}

/** `networking.istio.io/v1` is of group `networking.istio.io`; `v1` is of group `core`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "core" : apiVersion.slice(0, slash);
}

/** `Kind namespace/name`, or `Kind name` for an object of the whole cluster: how messages name an object. */
export function originOf(object: Pick<MeshObject, "kind" | "metadata">): string {
  const { namespace, name } = object.metadata;
  return namespace === "" ? `${object.kind} ${name}` : `${object.kind} ${namespace}/${name}`;
}

/** Oldest first; then namespace and name, so that every replica decides alike. Objects without a time come last. */
export function byAge(a: Pick<MeshObject, "metadata">, b: Pick<MeshObject, "metadata">): number {
  return (
    ageOf(a) - ageOf(b) ||
    compareText(a.metadata.namespace, b.metadata.namespace) ||
    compareText(a.metadata.name, b.metadata.name)
  );
}

/** Compares by code unit: the same everywhere, unlike `localeCompare`. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// A finite stand-in, as Infinity - Infinity is not a number.
const NO_TIME = Number.MAX_SAFE_INTEGER;

function ageOf(object: Pick<MeshObject, "metadata">): number {
  const text = object.metadata.creationTimestamp;
  if (text === undefined) return NO_TIME;
  const time = Date.parse(text);
  return Number.isNaN(time) ? NO_TIME : time;
}
