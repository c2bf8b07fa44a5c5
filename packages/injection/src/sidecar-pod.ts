/** A pod whose application has a sidecar: what leads traffic to it, when it starts and ends, and what of the pod changes for it. */
import type { Capture } from "./capture.ts";
import { captureContainer } from "./capture-container.ts";
import { capturesDns, withoutDns } from "./dns-capture.ts";
import type { Report } from "./finding.ts";
import { identityVolume } from "./identity.ts";
import { hasShell, imageOfType } from "./image.ts";
import { drain, waitForReadiness } from "./lifecycle.ts";
import { overlay } from "./overlay.ts";
import type { Container, Handler, PodSpec, PodTemplate } from "./pod.ts";
import { PROBE_PORT, rewriteProbes, type RewrittenProbes } from "./probes.ts";
import { ADMIN_PORT, HEALTH_PORT, PROMETHEUS_PORT, proxyBootstrap } from "./proxy-bootstrap.ts";
import { PROXY_CONTAINER, proxyContainer } from "./proxy-container.ts";
import { isImageType, type ProxySettings } from "./proxy-settings.ts";
import type { InjectionMesh, InjectionOptions } from "./settings.ts";
import { customized, type OwnProxy } from "./templates.ts";
import type { Wishes } from "./wishes.ts";

export interface PodMaking {
  readonly pod: OwnProxy;
  readonly mesh: InjectionMesh;
  readonly settings: ProxySettings;
  readonly wishes: Wishes;
  readonly capture: Capture;
  readonly workload: string | undefined;
  /** Laid over, in order. */
  readonly templates: readonly OwnProxy[];
  readonly options: InjectionOptions;
  readonly report: Report;
}

const NATIVE_SIDECARS = 29;
const SLEEPING_HOOKS = 30;
/** As Istio has them, milliseconds. */
const TERMINATION_DRAIN = 5000;
const DRAIN = 45_000;

export function sidecarPod(making: PodMaking): PodTemplate {
  const { wishes, settings, options, capture, report } = making;
  const { pod } = making.pod;
  const { initContainers = [], containers = [] } = pod.spec ?? {};
  const interception =
    (wishes.interceptionMode ?? settings.interceptionMode) === "NONE" ? "NONE" : "REDIRECT";
  const native = wishes.native ?? options.kubernetesMinor >= NATIVE_SIDECARS;
  const port = wishes.statusPort ?? settings.statusPort ?? PROBE_PORT;
  const probed = (list: readonly Container[]): RewrittenProbes =>
    wishes.rewriteProbes && port !== 0
      ? rewriteProbes(
          list,
          { port, application: interception === "NONE" ? "loopback" : "pod" },
          report,
        )
      : { containers: list, clusters: [] };
  // Init containers that go on have probes as well.
  const whole = probed([...initContainers, ...containers]);
  const inits = whole.containers.slice(0, initContainers.length);
  const applications = whole.containers.slice(initContainers.length);
  const dns = capturesDns(settings.proxyMetadata ?? {}, { interception, capture }, report);
  const proxy = proxyFor(making, { type: "sidecar", native, interception, dns, probes: whole });
  const ownPorts = [PROMETHEUS_PORT, HEALTH_PORT, ...(port === 0 ? [] : [port])];
  const leads =
    interception === "NONE" || options.captureElsewhere === true
      ? []
      : [
          captureContainer(
            { capture, ownPorts, dns },
            { image: options.initImage, imagePullPolicy: options.imagePullPolicy },
          ),
        ];
  const { restartPolicy = "Always" } = pod.spec ?? {};
  if (!native && restartPolicy !== "Always")
    report({
      code: "HDL6007",
      level: "Warning",
      path: "spec.restartPolicy",
      message: "the pod does not complete when its application does: the proxy goes on",
      remedy:
        "Use native sidecars (Kubernetes 1.29 and newer), or take the proxy out of such pods.",
    });
  const holds = settings.holdApplicationUntilProxyStarts !== false;
  return finished(
    making,
    native
      ? {
          // The proxy is there before the application's own init containers, so that these have the network.
          initContainers: [...leads, proxy, ...inits],
          containers: applications,
        }
      : {
          // Without a proxy yet, nothing is to be led to it.
          initContainers: [...inits, ...leads],
          containers: holds ? [proxy, ...applications] : [...applications, proxy],
        },
  );
}

export interface ProxyKind {
  readonly type: "sidecar" | "router";
  readonly native: boolean;
  readonly interception: "REDIRECT" | "NONE";
  /** Its application's questions to resolvers come to it. */
  readonly dns: boolean;
  readonly probes?: RewrittenProbes;
}

/** The proxy's container, with what templates and the pod itself say of it. */
export function proxyFor(making: PodMaking, kind: ProxyKind): Container {
  const { pod, settings, wishes, options, report, workload, mesh, templates } = making;
  const { type, native } = kind;
  const asked = wishes.imageType ?? settings.imageType;
  const image =
    wishes.image ??
    (asked !== undefined && isImageType(asked)
      ? imageOfType(options.proxyImage, asked)
      : options.proxyImage);
  if (asked !== undefined && !isImageType(asked))
    report({
      code: "HDL6003",
      level: "Error",
      message: `there is no image of type ${JSON.stringify(asked)}`,
      remedy: "Give default, distroless or debug.",
    });
  const given = settings.proxyMetadata ?? {};
  const variables = kind.dns ? given : withoutDns(given);
  const adminPort = settings.proxyAdminPort ?? ADMIN_PORT;
  const made = proxyContainer({
    type,
    image,
    imagePullPolicy: options.imagePullPolicy,
    bootstrap: proxyBootstrap(
      {
        type,
        labels: labelsOf(making),
        ...(workload === undefined ? {} : { workload }),
        interception: kind.interception,
        variables,
        adminPort,
        ...(kind.probes ? { probes: kind.probes } : {}),
        clusterDomain: mesh.clusterDomain,
      },
      options,
    ),
    concurrency: settings.concurrency,
    logLevel: wishes.logLevel,
    componentLogLevel: wishes.componentLogLevel,
    resources: wishes.resources ?? options.resources,
    adminPort,
    drainDuration: settings.drainDuration ?? DRAIN,
    readiness: wishes.readiness,
    mounts: wishes.mounts,
    variables: Object.entries(variables).map(([name, value]) => ({ name, value })),
    native,
    postStart: native || type === "router" ? undefined : hold(making, image, adminPort),
    preStop: shutdown(making, type, image, adminPort),
  });
  const customizations = [...templates.map(({ container }) => container), pod.container];
  return customizations.reduce<Container>(customized, made);
}

function hold(
  { settings, report }: PodMaking,
  image: string,
  adminPort: number,
): Handler | undefined {
  if (settings.holdApplicationUntilProxyStarts === false) return undefined;
  if (hasShell(image)) return waitForReadiness(adminPort);
  report({
    code: "HDL6006",
    level: "Warning",
    message: `the application does not wait for its proxy: ${image} has no shell to wait with, and native sidecars are not used`,
    remedy: "Use native sidecars, or an image of type default.",
  });
  return undefined;
}

function shutdown(
  { settings, options, pod, report }: PodMaking,
  type: "sidecar" | "router",
  image: string,
  adminPort: number,
): Handler | undefined {
  const duration = settings.terminationDrainDuration ?? TERMINATION_DRAIN;
  const shell = hasShell(image);
  if (shell || options.kubernetesMinor >= SLEEPING_HOOKS || duration === 0)
    return drain(type, duration, adminPort, shell);
  // What the pod itself brings may well do it.
  if (pod.container?.lifecycle?.preStop === undefined)
    report({
      code: "HDL6006",
      level: "Warning",
      message: `the proxy ends at once with its pod: ${image} has no shell to wait with, and this cluster's hooks cannot wait`,
      remedy: "Use an image of type default.",
    });
  return undefined;
}

const NAMES = ["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"];
const VERSIONS = ["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"];

/** The pod's labels with those that injection adds. */
export function labelsOf({ pod, workload }: PodMaking): Readonly<Record<string, string>> {
  const labels = pod.pod.metadata?.labels ?? {};
  const first = (names: readonly string[]) =>
    names.map((name) => labels[name]).find((value) => value !== undefined && value !== "");
  const service = first(NAMES) ?? workload;
  return {
    "security.istio.io/tlsMode": "istio",
    ...(service === undefined ? {} : { "service.istio.io/canonical-name": service.slice(0, 63) }),
    "service.istio.io/canonical-revision": first(VERSIONS) ?? "latest",
    ...labels,
  };
}

/** The pod around its containers. */
export function finished(
  making: PodMaking,
  parts: Pick<PodSpec, "containers" | "initContainers">,
): PodTemplate {
  const { pod, wishes, options, templates } = making;
  const { metadata = {}, spec = {} } = pod.pod;
  const { initContainers: _, containers: __, ...rest } = spec;
  const { initContainers = [], containers = [] } = parts;
  const secrets = (options.imagePullSecrets ?? []).map((name) => ({ name }));
  const annotations = metadata.annotations ?? {};
  const [first] = pod.pod.spec?.containers ?? [];
  const shown = first?.name ?? PROXY_CONTAINER;
  const made: PodTemplate = {
    ...pod.pod,
    metadata: {
      ...metadata,
      labels: labelsOf(making),
      annotations: {
        "kubectl.kubernetes.io/default-container": shown,
        "kubectl.kubernetes.io/default-logs-container": shown,
        ...annotations,
      },
    },
    spec: {
      ...rest,
      ...(initContainers.length > 0 ? { initContainers } : {}),
      containers,
      volumes: joined(spec.volumes ?? [], [identityVolume, ...wishes.volumes]),
      ...(secrets.length > 0
        ? { imagePullSecrets: joined(spec.imagePullSecrets ?? [], secrets) }
        : {}),
      ...(wishes.bindsLowPorts ? { securityContext: withLowPorts(spec.securityContext) } : {}),
    },
  };
  return templates.reduce((merged, template) => overlay(merged, template.pod), made);
}

/** Those that are there already stay as they are. */
function joined<T extends { readonly name: string }>(own: readonly T[], added: readonly T[]): T[] {
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...added.filter(({ name }) => !names.has(name))];
}

const LOW_PORTS = { name: "net.ipv4.ip_unprivileged_port_start", value: "0" };

/** Ports below 1024 for who is not root: of the pod's own network, and safe as Kubernetes sees it. */
export function withLowPorts(securityContext: object = {}): object {
  const { sysctls = [] } = securityContext as { sysctls?: readonly { name: string }[] };
  return { ...securityContext, sysctls: joined(sysctls, [LOW_PORTS]) };
}
