/** What ProxyConfigs make of a bootstrap that `heddle xds --bootstrap` prints. */
import { describe, expect } from "vitest";
import { offlineXds } from "../../../apps/cli/src/offline/xds.ts";
import { proves } from "../proves.ts";

const pod = (name: string) => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, labels: {app: ${name}}}
spec: {containers: [{name: app}]}
status: {podIP: 10.0.0.1}
---`;
const config = (name: string, spec: string) => `
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: ${name}}
spec: ${spec}
---`;
const FILTER = `
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: gold}
spec:
  configPatches:
    - applyTo: CLUSTER
      match: {proxy: {metadata: {TIER: gold}}}
      patch: {operation: ADD, value: {name: for-gold, type: STATIC}}
`;
const text = [
  pod("gold"),
  pod("plain"),
  config("all", "{concurrency: 2, environmentVariables: {ISTIO_META_LEVEL: all}}"),
  config(
    "gold",
    "{selector: {matchLabels: {app: gold}}, concurrency: 4, environmentVariables: {ISTIO_META_TIER: gold}}",
  ),
  FILTER,
].join("");

describe("a bootstrap", () => {
  proves(
    "ProxyConfig",
    ["selector.matchLabels"],
    "has what is for the pods that are selected, over what is for all",
    () => {
      const of = (name: string) => {
        const found = offlineXds([{ name: "mesh.yaml", content: text }], {
          proxy: `${name}.default`,
          trustDomain: "cluster.local",
        });
        const { node } = found.bootstrap() as { node: { metadata: object } };
        const clusters = found.resources.clusters as { name: string }[];
        return {
          metadata: node.metadata,
          concurrency: found.concurrency,
          patched: clusters.some((cluster) => cluster.name === "for-gold"),
        };
      };
      expect(of("gold")).toEqual({
        metadata: { LEVEL: "all", TIER: "gold" },
        concurrency: 4,
        patched: true,
      });
      expect(of("plain")).toEqual({ metadata: { LEVEL: "all" }, concurrency: 2, patched: false });
    },
  );
});
