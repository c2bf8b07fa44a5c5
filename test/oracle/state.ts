/** The rules in force at one moment, and the objects that say so: a gateway's hosts lead to `front`, which calls `reviews`. */
import type { DestinationRule, Gateway, HTTPRoute, VirtualService } from "@heddle/model";

export type SubsetLabels = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Policy {
  readonly subsets: SubsetLabels;
  readonly balancer: "ROUND_ROBIN" | "LEAST_REQUEST" | "RANDOM" | undefined;
  /** Of the subset, over the rule's. */
  readonly subsetBalancer: Readonly<Record<string, "ROUND_ROBIN" | "LEAST_REQUEST" | "RANDOM">>;
}

export interface RulesState {
  /** What the probes answer. */
  readonly version: number;
  /** Of `reviews`, for clients in the mesh; undefined: there is no rule. */
  readonly mesh: readonly HTTPRoute[] | undefined;
  readonly reviews: Policy | undefined;
  readonly front: Policy | undefined;
  /** What the gateway lets in. */
  readonly hosts: readonly string[];
  /** Of each host its VirtualServices, oldest first. */
  readonly edge: Readonly<Record<string, readonly (readonly HTTPRoute[])[]>>;
}

export const HOSTS = ["a.test", "b.test", "c.test", "x.wide.test"] as const;
export const PORT = 9080;
export const EDGE_PORT = 80;
export const PROBE_HOST = "probe.test";

const NETWORKING = "networking.istio.io/v1";

/** The documents of a state, in the order in which a user might write them. */
export function documentsOf(state: RulesState): readonly object[] {
  const { version, mesh, hosts } = state;
  const answer = { directResponse: { status: 200, body: { string: String(version) } } };
  return [
    object<Gateway>("Gateway", "main", {
      selector: { istio: "edge" },
      servers: [
        {
          port: { number: EDGE_PORT, name: "http", protocol: "HTTP" },
          hosts: [PROBE_HOST, ...hosts],
        },
      ],
    }),
    object<VirtualService>("VirtualService", "probe-edge", {
      hosts: [PROBE_HOST],
      gateways: ["main"],
      http: [answer],
    }),
    object<VirtualService>("VirtualService", "probe-mesh", { hosts: ["probe"], http: [answer] }),
    ...(mesh
      ? [
          object<VirtualService>("VirtualService", "reviews", {
            hosts: ["reviews"],
            http: [...mesh],
          }),
        ]
      : []),
    ...Object.entries(state.edge).flatMap(([host, services]) =>
      services.map((http, index) =>
        object<VirtualService>(
          "VirtualService",
          `${host.replaceAll(".", "-")}-${index}`,
          { hosts: [host], gateways: ["main"], http: [...http] },
          `2026-01-0${index + 1}T00:00:00Z`,
        ),
      ),
    ),
    ...(state.reviews ? [destinationRule("reviews", state.reviews)] : []),
    ...(state.front ? [destinationRule("front", state.front)] : []),
  ];
}

function destinationRule(host: string, { subsets, balancer, subsetBalancer }: Policy): object {
  return object<DestinationRule>("DestinationRule", host, {
    host,
    ...(balancer ? { trafficPolicy: { loadBalancer: { simple: balancer } } } : {}),
    subsets: Object.entries(subsets).map(([name, labels]) => {
      const own = subsetBalancer[name];
      return {
        name,
        labels,
        ...(own ? { trafficPolicy: { loadBalancer: { simple: own } } } : {}),
      };
    }),
  });
}

function object<Spec>(kind: string, name: string, spec: Spec, creationTimestamp?: string): object {
  return {
    apiVersion: NETWORKING,
    kind,
    metadata: { name, namespace: "default", ...(creationTimestamp ? { creationTimestamp } : {}) },
    spec,
  };
}
