/** Lets a request choose one pod of a headless service by its name, where the proxy cannot see which one the client resolved. */
import type { ServiceModel } from "@heddle/model";
import type { Reach } from "../proxy.ts";
import type { ClusterFeature } from "./feature.ts";

/** Metadata of endpoints, under `envoy.lb`, and of routes to them. */
export const POD_HOSTNAME = "hostname";

/** Where traffic is intercepted, it goes on to the pod that it was going to. */
export function choosesPods({ headless }: ServiceModel, reach: Reach): boolean {
  return headless && reach === "explicit";
}

export const podHosts: ClusterFeature = {
  name: "pod hosts",
  apply(cluster, { read, service, port, reach, discovery }) {
    if (!choosesPods(service, reach) || discovery !== "EDS") return cluster;
    const named = read.endpoints(service, port.port).some(({ hostname }) => hostname !== undefined);
    if (!named) return cluster;
    const byPlace = cluster.commonLbConfig?.localityWeightedLbConfig !== undefined;
    return {
      ...cluster,
      lbSubsetConfig: {
        fallbackPolicy: "ANY_ENDPOINT",
        subsetSelectors: [{ keys: [POD_HOSTNAME], fallbackPolicy: "NO_FALLBACK" }],
        // A place that has none of the chosen pods takes no share.
        ...(byPlace ? { localityWeightAware: true, scaleLocalityWeight: true } : {}),
      },
    };
  },
};
