import { expect, test } from "vitest";
import { inject } from "./inject.ts";
import { overlay } from "./overlay.ts";
import type { PodTemplate } from "./pod.ts";
import { defaultOptions } from "./settings.ts";

const MESH = { rootNamespace: "istio-system", clusterDomain: "cluster.local" };

function injected(templates: string, own: Readonly<Record<string, PodTemplate>>) {
  return inject(
    {
      pod: {
        metadata: { annotations: { "inject.istio.io/templates": templates } },
        spec: {
          containers: [
            { name: "app" },
            { name: "istio-proxy", env: [{ name: "A", value: "pod" }] },
          ],
        },
      },
      namespace: { name: "shop" },
      mesh: MESH,
    },
    { ...defaultOptions, asked: true, templates: own },
  );
}

test("templates are laid over in order, over the pod the first and over the proxy's container the pod's own word last", () => {
  const made = injected("sidecar,one,two", {
    one: {
      metadata: { labels: { from: "one", one: "1" } },
      spec: {
        containers: [
          {
            name: "istio-proxy",
            image: "auto",
            env: ["A", "B"].map((name) => ({ name, value: "one" })),
          },
        ],
        terminationGracePeriodSeconds: 60,
      },
    },
    two: { metadata: { labels: { from: "two" } }, spec: { containers: [{ name: "extra" }] } },
  });
  if (!made.injected) throw new Error(JSON.stringify(made));
  const { metadata, spec } = made.pod;
  expect(metadata?.labels).toMatchObject({ from: "two", one: "1" });
  expect(spec).toMatchObject({ terminationGracePeriodSeconds: 60 });
  expect(spec?.containers?.map(({ name }) => name)).toEqual(["app", "extra"]);
  const proxy = spec?.initContainers?.find(({ name }) => name === "istio-proxy");
  expect(proxy?.image).toBe(defaultOptions.proxyImage);
  expect(proxy?.env).toEqual(
    expect.arrayContaining([
      { name: "A", value: "pod" },
      { name: "B", value: "one" },
    ]),
  );
});

test("an image that the injector chooses is pulled as others are, whatever Kubernetes has said of one without a tag", () => {
  const pulled = (own: object, imagePullPolicy?: string) => {
    const made = inject(
      {
        pod: {
          metadata: { annotations: { "inject.istio.io/templates": "gateway" } },
          spec: { containers: [{ name: "istio-proxy", ...own }] },
        },
        namespace: { name: "shop" },
        mesh: MESH,
      },
      { ...defaultOptions, asked: true, ...(imagePullPolicy ? { imagePullPolicy } : {}) },
    );
    return made.injected && made.pod.spec?.containers?.[0]?.imagePullPolicy;
  };
  const defaulted = { image: "auto", imagePullPolicy: "Always" };
  expect(pulled(defaulted)).toBeUndefined();
  expect(pulled(defaulted, "Never")).toBe("Never");
  expect(pulled({ ...defaulted, imagePullPolicy: "IfNotPresent" })).toBe("IfNotPresent");
  expect(pulled({ ...defaulted, image: "mine:v1" })).toBe("Always");
});

test("a pod may have its own templates alone", () => {
  const made = injected("mine", { mine: { spec: { containers: [{ name: "extra" }] } } });
  expect(made.injected && made.pod.spec?.containers?.map(({ name }) => name)).toEqual([
    ...["app", "istio-proxy", "extra"],
  ]);
});

test("an overlay joins lists by their items' names, and takes out what it is told to", () => {
  const base = {
    containers: [{ name: "a", image: "1", args: ["x", "y"] }, { name: "b" }],
    replicas: 1,
    strategy: { type: "Recreate", more: { a: 1 } },
    ports: [{ port: 80, name: "http" }],
  };
  expect(
    overlay(base, {
      containers: [{ name: "a", args: ["z"] }, { name: "b", $patch: "delete" }, { name: "c" }],
      replicas: null,
      strategy: { $patch: "replace", type: "RollingUpdate" },
      ports: [{ port: 80, nodePort: 30080 }],
    }),
  ).toEqual({
    containers: [{ name: "a", image: "1", args: ["z"] }, { name: "c" }],
    strategy: { type: "RollingUpdate" },
    ports: [{ port: 80, name: "http", nodePort: 30080 }],
  });
});
