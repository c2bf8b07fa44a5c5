/** What the agent reads of a cluster: which kinds, where the API server has them, and with what rights. */
import { kinds } from "@heddle/model";
import { AUTHORITY_SECRET_TYPE } from "../../kubernetes/authority-secret.ts";
import type { PolicyRule } from "../../kubernetes/rights.ts";

export interface WatchedKind {
  /** As in a model key: the group without a name is `core`. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  /** Versions that can be read, best first. */
  readonly versions: readonly string[];
  /** Every cluster has it; others are there once somebody has defined them. */
  readonly builtIn: boolean;
  /** Objects that are not even sent. */
  readonly fieldSelector?: string;
  /** Only names, labels and annotations are sent. */
  readonly metadataOnly?: boolean;
}

/** Kubernetes' own kinds that the mesh reads. Deployments and service accounts it does not: pods name both. */
const READ_OF_KUBERNETES: ReadonlySet<string> = new Set([
  "core/Service",
  "core/Pod",
  "core/Namespace",
  "core/Secret",
  "core/ConfigMap",
  "discovery.k8s.io/EndpointSlice",
  "networking.k8s.io/Ingress",
  "networking.k8s.io/IngressClass",
]);

/** Secrets with an agent's own state. */
export const STATE_TYPE = "heddle.dev/agent-state";

/** No credentials of a proxy: releases of Helm, which are many and large, tokens, and what is the agent's own. */
const NOT_OF_A_PROXY = [
  STATE_TYPE,
  AUTHORITY_SECRET_TYPE,
  "helm.sh/release.v1",
  "kubernetes.io/service-account-token",
  "bootstrap.kubernetes.io/token",
]
  .map((type) => `type!=${type}`)
  .join(",");

/** Where pods are: a node's labels say its region and zone. Not a kind of the model. */
export const NODES: WatchedKind = {
  group: "core",
  kind: "Node",
  plural: "nodes",
  versions: ["v1"],
  builtIn: true,
  metadataOnly: true,
};

/** Tells at once that kinds have come or gone. Without the right to read them it is seen half a minute later. */
export const DEFINITIONS: WatchedKind = {
  group: "apiextensions.k8s.io",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  versions: ["v1"],
  builtIn: true,
  metadataOnly: true,
};

export const watchedKinds: readonly WatchedKind[] = [
  NODES,
  ...kinds
    .filter(({ group, kind, foreign }) => !foreign || READ_OF_KUBERNETES.has(`${group}/${kind}`))
    .map(({ group, kind, plural, versions, foreign }) => ({
      ...{ group, kind, plural, versions, builtIn: foreign },
      ...(kind === "Secret" ? { fieldSelector: NOT_OF_A_PROXY } : {}),
    })),
];

/** `services`, `virtualservices.networking.istio.io`: what kubectl calls it, and messages. */
export function resourceName({ group, plural }: Pick<WatchedKind, "group" | "plural">): string {
  return group === "core" ? plural : `${plural}.${group}`;
}

export function apiVersionOf({ group }: Pick<WatchedKind, "group">, version: string): string {
  return group === "core" ? version : `${group}/${version}`;
}

/** The path of all objects of a kind, in every namespace. */
export function pathOf(kind: WatchedKind, version: string): string {
  const api = kind.group === "core" ? "/api" : "/apis";
  return `${api}/${apiVersionOf(kind, version)}/${kind.plural}`;
}

/** The rights that reading takes: to list and to watch, a rule for each group. */
export function rightsToRead(): PolicyRule[] {
  const groups = new Map<string, string[]>();
  for (const { group, plural } of [...watchedKinds, DEFINITIONS]) {
    const name = group === "core" ? "" : group;
    groups.set(name, [...(groups.get(name) ?? []), plural]);
  }
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, resources]) => ({
      apiGroups: [group],
      resources: resources.toSorted(),
      verbs: ["list", "watch"],
    }));
}
