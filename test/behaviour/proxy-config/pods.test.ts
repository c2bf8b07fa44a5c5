/** What ProxyConfigs say of the proxies that are put into pods: which image of stock Envoy, and its variables. */
import { defaultOptions, inject, type Injection } from "@heddle/injection";
import type { MeshObject, ProxyConfig } from "@heddle/model";
import { describe, expect } from "vitest";
import { proves } from "../proves.ts";

const MESH = { rootNamespace: "istio-system", clusterDomain: "cluster.local" };

function config(name: string, spec: ProxyConfig): MeshObject<ProxyConfig> {
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "ProxyConfig",
    metadata: { name, namespace: "shop", labels: {}, annotations: {} },
    spec,
  };
}

const CONFIGS = [
  config("all", { image: { imageType: "distroless" } }),
  ...["default", "debug"].map((imageType) =>
    config(imageType, { selector: { matchLabels: { tier: imageType } }, image: { imageType } }),
  ),
  config("odd", { selector: { matchLabels: { tier: "odd" } }, image: { imageType: "odd" } }),
];

function injected(namespace: string, tier: string, proxyConfigs = CONFIGS) {
  return inject(
    {
      pod: { metadata: { labels: { tier } }, spec: { containers: [{ name: "app" }] } },
      namespace: { name: namespace, labels: { "istio-injection": "enabled" } },
      mesh: MESH,
      proxyConfigs,
    },
    defaultOptions,
  );
}

function proxyOf(made: Injection) {
  const containers = made.injected ? made.pod.spec?.initContainers : [];
  return containers?.find(({ name }) => name === "istio-proxy");
}

const image = (namespace: string, tier: string) => proxyOf(injected(namespace, tier))?.image;

describe("the kind of image in a ProxyConfig", () => {
  proves(
    "ProxyConfig",
    ["image.imageType"],
    "chooses the image that is put into pods: distroless, debug, or the usual one",
    () => {
      expect(image("shop", "none")).toBe("envoyproxy/envoy:distroless-v1.40.0");
      expect(image("shop", "debug")).toBe("envoyproxy/envoy:debug-v1.40.0");
      expect(image("shop", "default")).toBe("envoyproxy/envoy:v1.40.0");
      expect(image("elsewhere", "debug")).toBe("envoyproxy/envoy:v1.40.0");
      expect(injected("shop", "odd")).toMatchObject({
        injected: false,
        because: "invalid",
        findings: [{ code: "HDL6003", message: 'there is no image of type "odd"' }],
      });
    },
  );
});

describe("the variables of a ProxyConfig", () => {
  proves(
    "ProxyConfig",
    ["environmentVariables"],
    "are those of the proxy's container in pods that are injected",
    () => {
      const variables = { OTHER: "x", ISTIO_META_TIER: "gold" };
      const made = injected("shop", "none", [config("all", { environmentVariables: variables })]);
      expect(proxyOf(made)?.env).toEqual(
        expect.arrayContaining([
          { name: "OTHER", value: "x" },
          { name: "ISTIO_META_TIER", value: "gold" },
        ]),
      );
    },
  );
});
