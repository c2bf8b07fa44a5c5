/** What of an object is kept: the fields that the mesh reads. A cluster's objects are mostly other things. */
import { type Fields, isFields, PATCHED_OBJECTS } from "@heddle/model";
import { IDENTITY_CONFIG_MAP } from "@heddle/injection";
import type { RawObject } from "./reflector.ts";
import type { WatchedKind } from "./watched.ts";

/** A copy of the whole object, for kubectl alone. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
/** What credentials of proxies and registries are called in Secrets. */
const CREDENTIALS = ["tls.crt", "tls.key", "ca.crt", "cert", "key", "cacert", ".dockerconfigjson"];
/** Of ConfigMaps certificates of authorities are read, and what a Gateway says of the objects that are made for it. */
const SETTINGS = ["ca.crt", ...PATCHED_OBJECTS];
/** Annotations of pods and slices that say something to a mesh. */
const OF_A_MESH = /(?:^|\.)(?:istio\.io|heddle\.dev)\//;

/** The object without what is not read. */
export function slim({ group, kind }: WatchedKind, object: RawObject): RawObject {
  const { managedFields: _, ...metadata } = object.metadata;
  const { status: __, ...rest } = object;
  const kept = { ...rest, metadata: { ...metadata, ...annotationsOf(metadata, () => true) } };
  const own = { metadata: { ...metadata, ...annotationsOf(metadata, isOfMesh) } };
  switch (`${group}/${kind}`) {
    case "core/Pod":
      return { ...own, spec: podSpec(object["spec"]), status: podStatus(object["status"]) };
    case "core/Service":
      return { ...kept, status: object["status"] };
    case "core/Namespace":
      return { ...own, status: pick(object["status"], ["phase"]) };
    case "core/Secret":
      return { ...bare(object), type: object["type"], data: read(object["data"], CREDENTIALS) };
    case "core/ConfigMap":
      return {
        ...bare(object),
        data:
          object.metadata.name === IDENTITY_CONFIG_MAP
            ? object["data"]
            : read(object["data"], SETTINGS),
      };
    case "discovery.k8s.io/EndpointSlice":
      return { ...own, ...slice(object) };
    default:
      return kept;
  }
}

function annotationsOf(
  { annotations }: Fields,
  keeps: (name: string) => boolean,
): { annotations?: unknown } {
  if (!isFields(annotations)) return annotations === undefined ? {} : { annotations };
  const kept = Object.entries(annotations).filter(([name]) => name !== LAST_APPLIED && keeps(name));
  return { annotations: Object.fromEntries(kept) };
}

// What the injector noted for itself is long, and nobody else's.
const isOfMesh = (name: string) => OF_A_MESH.test(name) && name !== "sidecar.istio.io/status";

function podSpec(spec: unknown): Fields {
  const { containers, initContainers, ...fields } = fieldsOf(spec);
  const container = (value: unknown) => pick(value, ["name", "ports"]);
  return {
    ...pick(fields, ["serviceAccountName", "nodeName", "hostNetwork"]),
    containers: listOf(containers).map(container),
    ...(initContainers === undefined
      ? {}
      : { initContainers: listOf(initContainers).map(container) }),
  };
}

function podStatus(status: unknown): Fields {
  const { conditions, ...fields } = fieldsOf(status);
  const ready = listOf(conditions).filter((condition) => fieldsOf(condition)["type"] === "Ready");
  return {
    ...pick(fields, ["phase", "podIP", "podIPs"]),
    conditions: ready.map((condition) => pick(condition, ["type", "status"])),
  };
}

function slice({ addressType, endpoints, ports }: RawObject): Fields {
  const fields = ["addresses", "conditions", "hostname", "nodeName", "zone"];
  return {
    addressType,
    ports: ports ?? [],
    endpoints: listOf(endpoints).map((endpoint) => {
      const { targetRef } = fieldsOf(endpoint);
      if (targetRef === undefined) return pick(endpoint, fields);
      const target = pick(targetRef, ["kind", "name", "namespace"]);
      return { ...pick(endpoint, fields), targetRef: target };
    }),
  };
}

/** There are many of them, and of most only that they are there is of interest. */
function bare({ metadata: { name, namespace, creationTimestamp, uid } }: RawObject) {
  const place = namespace === undefined ? {} : { namespace };
  return { metadata: { ...place, name, creationTimestamp, uid } };
}

/** Values that are read, and the names of the others: a message may say that one does not belong there. */
function read(data: unknown, names: readonly string[]): Fields {
  return Object.fromEntries(
    Object.entries(fieldsOf(data)).map(([name, value]) => [
      name,
      names.includes(name) ? value : "",
    ]),
  );
}

function pick(value: unknown, names: readonly string[]): Fields {
  const fields = fieldsOf(value);
  return Object.fromEntries(
    names.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])),
  );
}

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
