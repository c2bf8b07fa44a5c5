import { expect, test } from "vitest";
import type { ProxyConfig } from "../kinds/proxy-config.ts";
import type { MeshObject } from "../object.ts";
import { effectiveProxyConfig } from "./proxy-config.ts";

function config(
  namespace: string,
  spec: ProxyConfig,
  creationTimestamp = "2026-01-01T00:00:00Z",
): MeshObject<ProxyConfig> {
  const name = `c${creationTimestamp}`;
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "ProxyConfig",
    metadata: { name, namespace, labels: {}, annotations: {}, creationTimestamp },
    spec,
  };
}
const WORKLOAD = { namespace: "shop", labels: { app: "web" }, rootNamespace: "root" };
const WEB = { selector: { matchLabels: { app: "web" } } };

test("the workload's has the word before the namespace's, and that before the mesh's", () => {
  const mesh = config("root", { concurrency: 1, image: { imageType: "debug" } });
  const namespace = config("shop", { concurrency: 2, environmentVariables: { A: "1", B: "1" } });
  const workload = config("shop", { ...WEB, environmentVariables: { B: "2" } });
  expect(effectiveProxyConfig([workload, mesh, namespace], WORKLOAD)).toEqual({
    concurrency: 2,
    environmentVariables: { A: "1", B: "2" },
    image: { imageType: "debug" },
  });
  expect(effectiveProxyConfig([mesh], WORKLOAD)).toEqual(mesh.spec);
});

test("others' workloads and namespaces have no say, nor has a selector in the root namespace", () => {
  const strangers = [
    config("other", { concurrency: 1 }),
    config("root", { ...WEB, concurrency: 2 }),
    config("shop", { selector: { matchLabels: { app: "api" } }, concurrency: 3 }),
  ];
  expect(effectiveProxyConfig(strangers, WORKLOAD)).toEqual({});
});

test("the oldest of one level counts alone", () => {
  const older = config("shop", { concurrency: 1 });
  const newer = config(
    "shop",
    { concurrency: 2, environmentVariables: { A: "1" } },
    "2026-02-01T00:00:00Z",
  );
  expect(effectiveProxyConfig([newer, older], WORKLOAD)).toEqual({ concurrency: 1 });
});
