/** The programs of a cluster that are built from source, each once for this user. */
import path from "node:path";
import { cached, isCached } from "./cached.ts";
import { buildGo, go, goFlags } from "./go-build.ts";
import {
  COREDNS_BUILD,
  HELM_VERSION,
  KUBERNETES_VERSION,
  PAUSE_VERSION,
  PROMETHEUS_VERSION,
} from "./versions.ts";

export type Say = (line: string) => void;

/** Folders that hold the programs. */
export interface Components {
  readonly kubernetes: string;
  readonly coredns: string;
  readonly pause: string;
}

/** Programs of ours in Go. */
const SOURCES = path.resolve(import.meta.dirname, "..");
const STAGING = KUBERNETES_VERSION.replace(/^1/, "v0");
const VERSION_VARIABLES = "k8s.io/component-base/version";

/** Those that are not in the cache are built one after the other: each keeps all cores busy by itself. */
export async function buildComponents(say: Say): Promise<Components> {
  const kubernetes = await buildKubernetes(say);
  const coredns = await built("coredns", COREDNS_BUILD, say, (into) =>
    buildGo(
      {
        module: "github.com/coredns/coredns",
        version: `v${COREDNS_BUILD.replace(/-.*/, "")}`,
        programs: { name: "coredns", main: path.join(SOURCES, "coredns/main.go") },
      },
      into,
    ),
  );
  const pause = await built("pause", PAUSE_VERSION, say, async (into) => {
    const output = path.join(into, "pause");
    await go(path.join(SOURCES, "pause"), "build", ...goFlags(), "-o", output, ".");
  });
  return { kubernetes, coredns, pause };
}

export const isKubernetesBuilt = () => isCached("kubernetes", KUBERNETES_VERSION);

/** The folder of the API server, kubelet, kubectl and the others. */
export function buildKubernetes(say: Say): Promise<string> {
  const [major = "", minor = ""] = KUBERNETES_VERSION.split(".");
  return built("kubernetes", KUBERNETES_VERSION, say, (into) =>
    buildGo(
      {
        module: "k8s.io/kubernetes",
        version: `v${KUBERNETES_VERSION}`,
        programs: [
          "kube-apiserver",
          "kube-controller-manager",
          "kube-scheduler",
          "kubelet",
          "kube-proxy",
          "kubectl",
        ].map((name) => `k8s.io/kubernetes/cmd/${name}`),
        replacement: STAGING,
        variables: {
          [`${VERSION_VARIABLES}.gitVersion`]: `v${KUBERNETES_VERSION}`,
          [`${VERSION_VARIABLES}.gitMajor`]: major,
          [`${VERSION_VARIABLES}.gitMinor`]: minor,
        },
      },
      into,
    ),
  );
}

/** The program of Helm. */
export async function buildHelm(say: Say): Promise<string> {
  const folder = await built("helm", HELM_VERSION, say, (into) =>
    buildGo(
      {
        module: "helm.sh/helm/v3",
        version: `v${HELM_VERSION}`,
        programs: ["helm.sh/helm/v3/cmd/helm"],
        variables: { "helm.sh/helm/v3/internal/version.version": `v${HELM_VERSION}` },
      },
      into,
    ),
  );
  return path.join(folder, "helm");
}

/** The program of Prometheus, which finds pods and nothing else. */
export async function buildPrometheus(say: Say): Promise<string> {
  const [major = "", minor = "", patch = ""] = PROMETHEUS_VERSION.split(".");
  const folder = await built("prometheus", PROMETHEUS_VERSION, say, (into) =>
    buildGo(
      {
        module: "github.com/prometheus/prometheus",
        version: `v0.${Number(major) * 100 + Number(minor)}.${patch}`,
        programs: ["github.com/prometheus/prometheus/cmd/prometheus"],
        tags: ["remove_all_sd", "enable_kubernetes_sd"],
        variables: { "github.com/prometheus/common/version.Version": PROMETHEUS_VERSION },
      },
      into,
    ),
  );
  return path.join(folder, "prometheus");
}

export function built(
  name: string,
  version: string,
  say: Say,
  build: (into: string) => Promise<void>,
): Promise<string> {
  return cached(name, version, async (into) => {
    const start = performance.now();
    say(`building ${name} ${version}`);
    await build(into);
    say(`built ${name} ${version} in ${((performance.now() - start) / 1000).toFixed(0)} s`);
  });
}
