/** The variables of a ProxyConfig in a pod. */
import { defaultOptions, inject } from "@heddle/injection";
import { describe, expect } from "vitest";
import { proves } from "../proves.ts";

describe("the variables of a ProxyConfig", () => {
  proves(
    "ProxyConfig",
    ["environmentVariables"],
    "are those of the proxy's container in pods that are injected",
    () => {
      const made = inject(
        {
          pod: { metadata: {}, spec: { containers: [{ name: "app" }] } },
          namespace: { name: "shop", labels: { "istio-injection": "enabled" } },
          mesh: { rootNamespace: "istio-system", clusterDomain: "cluster.local" },
          proxyConfigs: [
            {
              apiVersion: "networking.istio.io/v1beta1",
              kind: "ProxyConfig",
              metadata: { name: "all", namespace: "shop", labels: {}, annotations: {} },
              spec: { environmentVariables: { OTHER: "x", ISTIO_META_TIER: "gold" } },
            },
          ],
        },
        defaultOptions,
      );
      const containers = made.injected ? made.pod.spec?.initContainers : [];
      expect(containers?.find(({ name }) => name === "istio-proxy")?.env).toEqual(
        expect.arrayContaining([
          { name: "OTHER", value: "x" },
          { name: "ISTIO_META_TIER", value: "gold" },
        ]),
      );
    },
  );
});
