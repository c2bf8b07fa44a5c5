/** Region and zone of pods: their nodes' labels, which Kubernetes itself copies to pods only from version 1.35 on. */
import type { MeshObject, Pod } from "@heddle/model";

export const PLACE_LABELS = [
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "topology.istio.io/subzone",
];

type Labels = Readonly<Record<string, string>>;
type PodObject = MeshObject<Pod>;

export interface NodePlaces {
  /** Takes a node's labels (undefined: it is gone) and answers with the keys of pods that are now somewhere else. */
  node(name: string, labels: Labels | undefined): Iterable<string>;
  /** Takes a pod (undefined: it is gone) and answers with the pod where it is. */
  pod(key: string, pod: PodObject | undefined): PodObject | undefined;
  /** The pod of a key as it is placed now. */
  placed(key: string): PodObject | undefined;
}

export function createNodePlaces(): NodePlaces {
  const places = new Map<string, Labels>();
  const pods = new Map<string, PodObject>();
  const onNode = new Map<string, Set<string>>();
  const placed = (key: string): PodObject | undefined => {
    const pod = pods.get(key);
    const place = pod && places.get(pod.spec.nodeName ?? "");
    if (!pod || !place) return pod;
    const { metadata } = pod;
    // What the pod says of itself counts.
    return { ...pod, metadata: { ...metadata, labels: { ...place, ...metadata.labels } } };
  };
  return {
    placed,
    pod(key, pod) {
      const before = pods.get(key)?.spec.nodeName ?? "";
      const after = pod?.spec.nodeName ?? "";
      if (before !== after) {
        onNode.get(before)?.delete(key);
        if (onNode.get(before)?.size === 0) onNode.delete(before);
      }
      if (pod === undefined) {
        onNode.get(before)?.delete(key);
        pods.delete(key);
        return undefined;
      }
      pods.set(key, pod);
      onNode.set(after, (onNode.get(after) ?? new Set()).add(key));
      return placed(key);
    },
    node(name, labels = {}) {
      const place = Object.fromEntries(
        PLACE_LABELS.flatMap((label) => (labels[label] ? [[label, labels[label]]] : [])),
      );
      const known = places.get(name) ?? {};
      if (PLACE_LABELS.every((label) => known[label] === place[label])) return [];
      if (Object.keys(place).length === 0) places.delete(name);
      else places.set(name, place);
      return onNode.get(name) ?? [];
    },
  };
}
