import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { KubernetesObject } from "../install/objects.ts";
import { ADDON_LABEL } from "./addon.ts";
import { checksumOf } from "./checksum.ts";
import { DASHBOARDS } from "./dashboards/all.ts";
import { grafanaJson } from "./dashboards/grafana-json.ts";
import { grafanaObjects } from "./grafana.ts";
import { podMonitor } from "./pod-monitor.ts";
import { prometheusObjects } from "./prometheus.ts";

const PLACE = { namespace: "watch", registry: "", pullSecrets: [] };
const PROMETHEUS = { ...PLACE, retention: "15d" };
const GRAFANA = {
  ...PLACE,
  ...{ prometheusUrl: "http://prometheus.watch.svc:9090", anonymous: false, password: "päss" },
};

interface Pod {
  readonly containers: readonly {
    readonly image: string;
    readonly args: readonly string[];
    readonly env: readonly { name: string; value?: string }[];
  }[];
  readonly volumes: readonly object[];
  readonly imagePullSecrets?: readonly object[];
}

function one(objects: readonly KubernetesObject[], kind: string, name?: string): KubernetesObject {
  const found = objects.find(
    (each) => each.kind === kind && (name === undefined || each.metadata.name === name),
  );
  if (!found) throw new Error(`there is no ${kind}`);
  return found;
}

function podOf(objects: readonly KubernetesObject[]): Pod {
  return (one(objects, "Deployment")["spec"] as { template: { spec: Pod } }).template.spec;
}

describe("all objects", () => {
  it("say of which add-on they are, and lie in its namespace but for rights", () => {
    for (const [addon, objects] of [
      ["prometheus", prometheusObjects({ ...PROMETHEUS, storage: { size: "1Gi" } })],
      ["grafana", grafanaObjects(GRAFANA)],
    ] as const)
      for (const { kind, metadata } of objects) {
        expect(metadata.labels).toMatchObject({
          "app.kubernetes.io/managed-by": "heddle-addons",
          [ADDON_LABEL]: addon,
        });
        expect(metadata.namespace).toBe(kind.startsWith("ClusterRole") ? undefined : "watch");
      }
  });

  it("are from a mirror, and pulled with its secrets, where there is one", () => {
    const place = { registry: "mirror.example/hub/", pullSecrets: ["one"] };
    for (const objects of [
      prometheusObjects({ ...PROMETHEUS, ...place }),
      grafanaObjects({ ...GRAFANA, ...place }),
    ]) {
      const pod = podOf(objects);
      expect(pod.containers[0]?.image).toMatch(/^mirror\.example\/hub\/[a-z/]+:v?\d+\.\d+\.\d+$/);
      expect(pod.imagePullSecrets).toEqual([{ name: "one" }]);
    }
  });
});

describe("Prometheus", () => {
  it("forgets what it has counted with its pod, unless it has a volume, which it leaves room on", () => {
    const passing = prometheusObjects(PROMETHEUS);
    expect(passing.map(({ kind }) => kind)).not.toContain("PersistentVolumeClaim");
    expect(podOf(passing).volumes).toContainEqual({ name: "data", emptyDir: {} });
    const lasting = prometheusObjects({ ...PROMETHEUS, storage: { size: "10Gi", class: "fast" } });
    expect(one(lasting, "PersistentVolumeClaim")["spec"]).toMatchObject({
      resources: { requests: { storage: "10Gi" } },
      storageClassName: "fast",
    });
    expect(podOf(lasting).containers[0]?.args).toContain("--storage.tsdb.retention.size=8192MB");
    const odd = prometheusObjects({ ...PROMETHEUS, storage: { size: "10G" } });
    expect(podOf(odd).containers[0]?.args.join()).not.toContain("retention.size");
  });

  it("asks agents for what proxies count, and others only where they say so", () => {
    const { data } = one(prometheusObjects(PROMETHEUS), "ConfigMap") as unknown as {
      data: Record<string, string>;
    };
    const { scrape_configs: jobs } = parse(data["prometheus.yml"] ?? "") as {
      scrape_configs: { job_name: string; honor_labels?: boolean }[];
    };
    expect(jobs.map(({ job_name: name, honor_labels: honor }) => [name, honor])).toEqual([
      ["heddle-agents", true],
      ["annotated-pods", undefined],
    ]);
  });

  it("of an operator is told the same", () => {
    const monitor = podMonitor("watch", { release: "monitoring", [ADDON_LABEL]: "mine" });
    expect(monitor.metadata.labels).toMatchObject({
      release: "monitoring",
      [ADDON_LABEL]: "prometheus",
    });
    expect(monitor["spec"]).toMatchObject({
      selector: { matchLabels: { "app.kubernetes.io/name": "heddle-agent" } },
      podMetricsEndpoints: [{ port: "http-metrics", path: "/metrics", honorLabels: true }],
    });
  });
});

describe("Grafana", () => {
  const settings = (anonymous: boolean) =>
    Object.fromEntries(
      podOf(grafanaObjects({ ...GRAFANA, anonymous })).containers[0]?.env.map(({ name, value }) => [
        name,
        value,
      ]) ?? [],
    );

  it("lets nobody in without a password, unless that is asked for", () => {
    expect(settings(false)).toMatchObject({ GF_AUTH_ANONYMOUS_ENABLED: "false" });
    expect(settings(true)).toMatchObject({
      GF_AUTH_ANONYMOUS_ENABLED: "true",
      GF_AUTH_ANONYMOUS_ORG_ROLE: "Viewer",
    });
    const { data } = one(grafanaObjects(GRAFANA), "Secret") as unknown as {
      data: { password: string };
    };
    expect(Buffer.from(data.password, "base64").toString()).toBe("päss");
  });

  it("is started anew when it is to ask another Prometheus, and not for a dashboard's sake", () => {
    const started = (prometheusUrl: string) =>
      (
        one(grafanaObjects({ ...GRAFANA, prometheusUrl }), "Deployment")["spec"] as {
          template: { metadata: { annotations: Record<string, string> } };
        }
      ).template.metadata.annotations["heddle.dev/config"];
    expect(started("http://a:9090")).toBe(started("http://a:9090"));
    expect(started("http://a:9090")).not.toBe(started("http://b:9090"));
    // The reference value of the hash's authors for "foobar".
    expect(checksumOf("foobar")).toBe("bf9cf968");
  });

  it("has all dashboards, in one ConfigMap that Kubernetes takes", () => {
    const { data } = one(grafanaObjects(GRAFANA), "ConfigMap", "grafana-dashboards") as unknown as {
      data: Record<string, string>;
    };
    expect(Object.keys(data)).toEqual(DASHBOARDS.map(({ uid }) => `${uid}.json`));
    expect(Object.values(data).join("").length).toBeLessThan(500_000);
    for (const text of Object.values(data)) expect(JSON.parse(text)).toHaveProperty("panels");
  });
});

describe("dashboards", () => {
  interface Panel {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly gridPos: { x: number; y: number; w: number; h: number };
  }
  it.each(DASHBOARDS.map((each) => [each.uid, each] as const))(
    "%s has panels beside and below each other, and none over another",
    (_, dashboard) => {
      const panels = grafanaJson(dashboard)["panels"] as readonly Panel[];
      const taken = new Set<string>();
      for (const { gridPos: at, title } of panels) {
        expect(at.x + at.w, title).toBeLessThanOrEqual(24);
        for (let x = at.x; x < at.x + at.w; x++)
          for (let y = at.y; y < at.y + at.h; y++) {
            expect(taken, `${title} at ${x} ${y}`).not.toContain(`${x} ${y}`);
            taken.add(`${x} ${y}`);
          }
      }
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    },
  );

  it("ask for nothing that has no name, and choose by variables that they have", () => {
    for (const dashboard of DASHBOARDS) {
      const text = JSON.stringify(dashboard);
      expect(text).not.toMatch(/undefined|\{,|,\}/);
      const known = dashboard.variables.map(({ name }) => name);
      for (const [, name = ""] of text.matchAll(/\$([a-z]\w*)/g)) expect(known).toContain(name);
    }
  });
});
