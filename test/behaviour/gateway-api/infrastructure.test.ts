/** What a Gateway's `infrastructure` makes of the objects that are deployed for it. */
import { analyze } from "@heddle/analysis";
import { defaultOptions, deployGateway } from "@heddle/injection";
import type { ConfigMap, GatewayApi, MeshObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { gatewayApi } from "../../harness/objects.ts";
import { viewOf } from "../../harness/world.ts";
import { proves } from "../proves.ts";

const MESH = { rootNamespace: "istio-system", clusterDomain: "cluster.local" };
const NAME = "gateway.networking.k8s.io/gateway-name";

type Infrastructure = NonNullable<GatewayApi.Gateway["infrastructure"]>;

function gateway(infrastructure?: Infrastructure): MeshObject<GatewayApi.Gateway> {
  return gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
    ...(infrastructure ? { infrastructure } : {}),
  });
}

function configMap(data: Readonly<Record<string, string>>): MeshObject<ConfigMap> {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "edge-parts", namespace: "default", labels: {}, annotations: {} },
    spec: { data },
  };
}

interface Deployed {
  readonly kind: string;
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly replicas?: number;
    readonly maxReplicas?: number;
    readonly externalTrafficPolicy?: string;
    readonly template?: Deployed;
  };
}

function deployed(
  infrastructure?: Infrastructure,
  parameters?: MeshObject<ConfigMap>,
): readonly Deployed[] {
  const made = deployGateway(
    { gateway: gateway(infrastructure), parameters, mesh: MESH },
    defaultOptions,
  );
  return made.deployed ? (made.objects as Deployed[]) : [];
}

/** The Deployment's pods among them. */
function withPods(objects: readonly Deployed[]): readonly Deployed[] {
  return objects.flatMap((each) =>
    each.spec?.template ? [each, { ...each.spec.template, kind: "Pod" }] : [each],
  );
}

/** Where Secrets are known, ConfigMaps are too: one that is not there is missing. */
const SECRET: MeshObject = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "any", namespace: "default", labels: {}, annotations: {} },
  spec: {},
};
const PARTS = { group: "", kind: "ConfigMap", name: "edge-parts" };
const told = (objects: readonly MeshObject[]) =>
  analyze(objects).flatMap(({ code, message }) =>
    code === "HDL0134" || message.includes("Accepted") ? [message] : [],
  );

describe("the infrastructure of a Gateway", () => {
  proves(
    "gateway.networking.k8s.io/Gateway",
    ["infrastructure.{labels,annotations}"],
    "stands at everything that is deployed for it, its pods included, which serve it all the same",
    () => {
      const objects = withPods(
        deployed({ labels: { team: "edge", [NAME]: "mine" }, annotations: { owner: "shop" } }),
      );
      expect(objects.map(({ kind }) => kind)).toEqual([
        "ServiceAccount",
        "Deployment",
        "Pod",
        "Service",
      ]);
      for (const { metadata } of objects) {
        expect(metadata.labels).toMatchObject({ team: "edge", [NAME]: "edge" });
        expect(metadata.annotations).toMatchObject({ owner: "shop" });
      }
      for (const { metadata } of withPods(deployed())) {
        expect(metadata.labels).not.toHaveProperty("team");
        expect(metadata.annotations ?? {}).not.toHaveProperty("owner");
      }
      const labels = objects.find(({ kind }) => kind === "Pod")?.metadata.labels ?? {};
      const view = viewOf([gateway()], {
        type: "router",
        pod: "edge-1",
        address: "127.0.0.1",
        labels,
      });
      expect([...view.resources("listener").keys()].join()).toContain("8080");
      view.dispose();
    },
  );

  proves(
    "gateway.networking.k8s.io/Gateway",
    ["infrastructure.parametersRef.{group,kind,name}"],
    "names a ConfigMap of patches for what is deployed; anything else is not accepted: InvalidParameters",
    () => {
      const patches = configMap({
        deployment: "spec: {replicas: 3}",
        service: "spec: {externalTrafficPolicy: Local}",
        horizontalPodAutoscaler: "spec: {minReplicas: 2, maxReplicas: 5}",
      });
      const [, deployment, service, scaler] = deployed({ parametersRef: PARTS }, patches);
      expect(deployment?.spec?.replicas).toBe(3);
      expect(service?.spec?.externalTrafficPolicy).toBe("Local");
      expect(scaler).toMatchObject({ kind: "HorizontalPodAutoscaler", spec: { maxReplicas: 5 } });
      expect(deployed(undefined, patches)[1]?.spec).not.toHaveProperty("replicas");
      expect(deployed(undefined, patches)).toHaveLength(3);
      expect(told([gateway({ parametersRef: PARTS }), patches])).toEqual([]);

      const refused: readonly [Infrastructure["parametersRef"], MeshObject<ConfigMap>, string][] = [
        [{ ...PARTS, group: "example.com" }, patches, "is no ConfigMap"],
        [{ ...PARTS, kind: "Secret" }, patches, "is no ConfigMap"],
        [{ ...PARTS, name: "others" }, patches, "there is no ConfigMap default/others"],
        [PARTS, configMap({ deploymnt: "{}" }), "has a key deploymnt"],
        [PARTS, configMap({ deployment: "replicas" }), "is no YAML of an object"],
      ];
      for (const [parametersRef, map, why] of refused) {
        expect(deployed({ ...(parametersRef ? { parametersRef } : {}) }, map)).toEqual([]);
        const [message = ""] = told([
          gateway({ ...(parametersRef ? { parametersRef } : {}) }),
          map,
          SECRET,
        ]);
        expect(message).toContain("not Accepted (InvalidParameters)");
        expect(message).toContain(why);
      }
    },
  );
});
