/**
 * Flagger, with the Prometheus that it asks, and Flux's controllers of Git repositories and of what lies in them: real programs in pods,
 * installed with what their own modules have for that, under the images' own names.
 */
import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse, stringify } from "yaml";
import type { Cluster } from "./cluster.ts";
import type { DeliveryComponents } from "./delivery-components.ts";
import { importProgram } from "./images.ts";
import { FLAGGER_VERSION, FLUX_KUSTOMIZE_VERSION, FLUX_SOURCE_VERSION } from "./versions.ts";

const FLAGGER_NAMESPACE = "flagger-system";
export const FLUX_NAMESPACE = "flux-system";
const PROMETHEUS_IMAGE = "prom/prometheus";
const PROMETHEUS = "flagger-prometheus";
const READY_WITHIN = "--timeout=240s";

type On = Pick<Cluster, "state" | "kubectl">;

/** Flagger with `-mesh-provider=istio`. Resolves when it and its Prometheus are ready. */
export async function installFlagger(
  { state, kubectl }: On,
  { flagger, prometheus }: Pick<DeliveryComponents, "flagger" | "prometheus">,
): Promise<void> {
  await Promise.all([
    importProgram(
      state,
      `ghcr.io/fluxcd/flagger:${FLAGGER_VERSION}`,
      path.join(flagger, "flagger"),
    ),
    importProgram(state, `docker.io/${PROMETHEUS_IMAGE}:local`, prometheus),
  ]);
  const base = path.join(flagger, "kustomize/base");
  const { global, scrape_configs: jobs } = parse(
    await readFile(path.join(base, "prometheus/prometheus.yml"), "utf8"),
  ) as { global: object; scrape_configs: { job_name: string }[] };
  // Of its jobs the one for pods that say by annotations where they are scraped; the others are for App Mesh, the API server and cAdvisor.
  const scraped = jobs.filter(({ job_name: job }) => job === "kubernetes-pods");
  await applyKustomized(
    kubectl,
    {
      namespace: FLAGGER_NAMESPACE,
      resources: [path.join(base, "flagger"), path.join(base, "prometheus")],
      images: [{ name: PROMETHEUS_IMAGE, newTag: "local" }],
      configMapGenerator: [{ name: PROMETHEUS, behavior: "replace", files: ["prometheus.yml"] }],
      patches: [
        patched("flagger", [
          {
            path: "/args",
            value: [
              "-log-level=info",
              "-mesh-provider=istio",
              `-metrics-server=http://${PROMETHEUS}:9090`,
            ],
          },
          // By HTTP from outside: its own are run in the container by wget.
          { path: "/readinessProbe", value: ready("/healthz", "http") },
          { path: "/livenessProbe", value: ready("/healthz", "http") },
        ]),
        patched(PROMETHEUS, [
          { path: "/readinessProbe", value: ready("/-/ready", "http") },
          // Prometheus has another word for how long it keeps things since its third version.
          {
            path: "/args",
            value: [
              "--config.file=/etc/prometheus/prometheus.yml",
              "--storage.tsdb.retention.time=2h",
            ],
          },
        ]),
      ],
    },
    { "prometheus.yml": stringify({ global, scrape_configs: scraped }) },
  );
  await rolledOut(kubectl, FLAGGER_NAMESPACE, [PROMETHEUS, "flagger"]);
}

/** Resolves when both controllers are ready. */
export async function installFlux(
  { state, kubectl }: On,
  { source, kustomize }: Pick<DeliveryComponents, "source" | "kustomize">,
): Promise<void> {
  for (const [folder, name, version, probe] of [
    [source, "source-controller", FLUX_SOURCE_VERSION, ready("/", "http")],
    [kustomize, "kustomize-controller", FLUX_KUSTOMIZE_VERSION, ready("/readyz", "healthz")],
  ] as const) {
    await importProgram(state, `docker.io/fluxcd/${name}:v${version}`, path.join(folder, name));
    await applyKustomized(kubectl, {
      namespace: FLUX_NAMESPACE,
      resources: ["crd", "rbac", "manager"].map((part) => path.join(folder, "config", part)),
      patches: [
        patched(name, [
          { path: "/readinessProbe", value: probe },
          // A node of two cores holds all of them.
          { path: "/resources/requests/cpu", value: "10m" },
        ]),
      ],
    });
  }
  await rolledOut(kubectl, FLUX_NAMESPACE, ["source-controller", "kustomize-controller"]);
}

const ready = (path: string, port: string) => ({ httpGet: { path, port }, periodSeconds: 1 });

/** Of a Deployment's container. */
function patched(name: string, changes: readonly { path: string; value: unknown }[]): object {
  const container = "/spec/template/spec/containers/0";
  return {
    target: { kind: "Deployment", name },
    patch: stringify(
      changes.map(({ path: field, value }) => ({ op: "add", path: container + field, value })),
    ),
  };
}

/** Builds it as anybody would, by the kustomize that kubectl has in it, and applies what comes out into a namespace that is there then. */
async function applyKustomized(
  kubectl: Cluster["kubectl"],
  {
    namespace,
    resources,
    ...more
  }: {
    readonly namespace: string;
    readonly resources: readonly string[];
    [field: string]: unknown;
  },
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "heddle-kustomize-")));
  try {
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(folder, name), text);
    await writeFile(
      path.join(folder, "kustomization.yaml"),
      stringify({
        ...{ apiVersion: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", namespace },
        ...more,
        // It takes no absolute paths.
        resources: await Promise.all(
          resources.map(async (each) => path.relative(folder, await realpath(each))),
        ),
      }),
    );
    await kubectl.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    await kubectl("apply", "--server-side", "--force-conflicts", "-k", folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rolledOut(
  kubectl: Cluster["kubectl"],
  namespace: string,
  deployments: readonly string[],
): Promise<void> {
  for (const name of deployments)
    await kubectl("rollout", "status", "-n", namespace, `deployment/${name}`, READY_WITHIN);
}
