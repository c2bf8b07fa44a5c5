/** The webhooks of a cluster, served by every replica: pods get their proxies, and rules that are wrong are refused. */
import { X509Certificate } from "node:crypto";
import { admit, defaultOptions, type InjectionOptions, type NotInjected } from "@heddle/injection";
import {
  INJECT_PATH,
  INJECTOR_CONFIGURATION,
  ofRevision,
  VALIDATE_PATH,
  VALIDATOR_CONFIGURATION,
} from "@heddle/kube";
import type { Diagnostic, MeshObject, ProxyConfig } from "@heddle/model";
import type { Change } from "@heddle/translate";
import { AgentError } from "../agent-error.ts";
import type { Cluster } from "../kubernetes/cluster.ts";
import type { AgentLog } from "../log.ts";
import { createApiServer } from "../sources/kubernetes/api.ts";
import { type RawObject, startReflector } from "../sources/kubernetes/reflector.ts";
import { parseAddress } from "../options.ts";
import { startCertificateKeeper } from "./certificate-keeper.ts";
import { type CertificateLifetimes, LIFETIMES } from "./certificates.ts";
import { createConfigurationKeeper } from "./configurations.ts";
import { startClusterVersion } from "./cluster-version.ts";
import {
  INJECTION_CONFIG_MAP,
  type InjectionSettings,
  readInjectionSettings,
  SETTINGS_KEY,
} from "./injection-settings.ts";
import { startWebhookServer } from "./server.ts";
import { createValidator } from "./validation.ts";

export interface Webhooks {
  readonly port: number;
  /** Follows the model. */
  changed(changes: readonly Change[]): void;
  diagnostics(): readonly Diagnostic[];
  /** What proxies are made of; undefined until settings and the cluster's version are known. */
  injection():
    | { readonly options: InjectionOptions; readonly proxies: InjectionSettings["proxies"] }
    | undefined;
  /** Why reviews cannot be answered yet; empty: they can. */
  waiting(): readonly string[];
  close(): Promise<void>;
}

export interface WebhookOptions {
  readonly address: string;
  readonly cluster: Cluster | undefined;
  readonly revision: string;
  readonly clusterId: string;
  readonly model: {
    entries(): Iterable<readonly [string, unknown, MeshObject]>;
    get(key: string): MeshObject | undefined;
  };
  readonly mesh: () => { readonly rootNamespace: string; readonly clusterDomain: string };
  /** What `injection` says is another. */
  readonly settingsChanged?: () => void;
  readonly log: AgentLog;
  readonly lifetimes?: CertificateLifetimes;
}

type Labels = Readonly<Record<string, string>>;

/** Reasons that another namespace would not have given. */
const BY_NAMESPACE: ReadonlySet<NotInjected> = new Set<NotInjected>([
  "namespace says no",
  "nobody asked",
  "another revision",
]);
/** The API server waits ten seconds for the whole answer; milliseconds. */
const ASK_WITHIN = 3_000;

/** `HDL7280` outside of a pod, `HDL7204` where the address is taken. Everything else is waited for. */
export async function startWebhooks(options: WebhookOptions): Promise<Webhooks> {
  const {
    address,
    cluster,
    revision,
    clusterId,
    model,
    mesh,
    log,
    lifetimes = LIFETIMES,
  } = options;
  if (!cluster?.inside)
    throw new AgentError(
      "HDL7280",
      "--webhook serves a cluster, and this agent runs in no pod of one.",
    );
  const { client, leadership, pod } = cluster.inside;
  const { namespace } = pod;
  const named = (name: string) => ofRevision(name, revision);
  const api = createApiServer(cluster.access);
  const service = `${named("heddle-agent")}.${namespace}.svc`;
  const proxyConfigs = new Map<string, MeshObject<ProxyConfig>>();
  const follow = (changes: readonly Change[]) => {
    for (const { key, object } of changes) {
      if (!key.startsWith("networking.istio.io/ProxyConfig/")) continue;
      if (object) proxyConfigs.set(key, object as MeshObject<ProxyConfig>);
      else proxyConfigs.delete(key);
    }
  };
  follow(Array.from(model.entries(), ([key, , object]) => ({ key, object })));

  let settings: InjectionSettings = { options: {}, proxies: {} };
  let problems: readonly Diagnostic[] = [];
  const configMap = named(INJECTION_CONFIG_MAP);
  let looked = false;
  const settingsSeen = (object: RawObject | undefined) => {
    looked = true;
    const data = object?.["data"] as Readonly<Record<string, string>> | undefined;
    const read = readInjectionSettings(data?.[SETTINGS_KEY] ?? "");
    problems = read.problems.map((problem) =>
      settingsProblem(problem, `${namespace}/${configMap}`),
    );
    if (read.settings) {
      settings = read.settings;
      options.settingsChanged?.();
      certificates.look();
    } else
      log.warn("HDL7282: the settings of injection cannot be read; the last good ones count", {
        problems: read.problems,
      });
  };
  const version = startClusterVersion(api, log);
  const injectionOptions = (): InjectionOptions => {
    const { agent, ...given } = settings.options;
    return {
      ...defaultOptions,
      ...(clusterId === "" ? {} : { clusterId }),
      ...given,
      agent: { ...defaultOptions.agent, host: service, ...agent },
      revision,
      kubernetesMinor: version.minor() ?? defaultOptions.kubernetesMinor,
    };
  };
  const injectInto = (review: unknown, labelsOf: (name: string) => Labels | undefined) =>
    admit(review, {
      namespace(name) {
        const labels = labelsOf(name);
        return labels && { name, labels };
      },
      mesh: { ...mesh(), proxies: settings.proxies },
      proxyConfigs: [...proxyConfigs.values()],
      options: injectionOptions(),
    });
  const known = (name: string) => model.get(`core/Namespace/-/${name}`)?.metadata.labels;
  const inject = async (review: unknown) => {
    const admitted = injectInto(review, known);
    const { because } = admitted ?? {};
    // The API server's selectors have brought the pod here: its namespace may be newer than what was read of it.
    if (because === undefined || !BY_NAMESPACE.has(because)) return admitted?.review;
    const { namespace: name = "" } = (review as { request: { namespace?: string } }).request;
    const place = { apiVersion: "v1", plural: "namespaces" };
    const now = await client
      .find(place, name, AbortSignal.timeout(ASK_WITHIN))
      .catch(() => undefined);
    return now ? injectInto(review, () => now.metadata.labels ?? {})?.review : admitted?.review;
  };
  const validator = createValidator({
    objects: function* () {
      for (const [, , object] of model.entries()) yield object;
    },
    settings: mesh,
  });

  const server = await startWebhookServer(
    address,
    { [INJECT_PATH]: inject, [VALIDATE_PATH]: (review) => validator.review(review) },
    log,
  );
  let served: string | undefined;
  const configurations = createConfigurationKeeper({
    ...{ client, api, namespace, log },
    injector: named(INJECTOR_CONFIGURATION),
    validator: named(VALIDATOR_CONFIGURATION),
    deployment: named("heddle-agent"),
    bundle: () => certificates.held()?.authorities.join(""),
    trusted: () => certificates.look(),
  });
  const certificates = startCertificateKeeper({
    ...{ client, leadership, namespace, lifetimes, log },
    name: named("heddle-agent-webhook"),
    // Proxies call an agent outside of the cluster by another name, and so does the API server.
    names: () => {
      const { host = service } = settings.options.agent ?? {};
      const inside = [service, `${service}.${mesh().clusterDomain}`];
      return [...new Set([...inside, ...ownAddress(address), host])];
    },
    // Only the leader sees the configurations; nobody else takes a step.
    isTrusted: (authority) => configurations.isTrusted(authority),
    changed({ certificate, key }) {
      server.serve(certificate, key);
      served = certificate;
      log.info("the webhooks are served", { until: new X509Certificate(certificate).validTo });
      configurations.look();
    },
  });
  const one = (plural: string, name: string, seen: (object: RawObject | undefined) => void) =>
    startReflector({
      api,
      path: `/api/v1/namespaces/${namespace}/${plural}`,
      query: { fieldSelector: `metadata.name=${name}` },
      target: {
        put: seen,
        remove: () => seen(undefined),
        only(names) {
          if (names.size === 0) seen(undefined);
        },
      },
      changed() {},
    });
  const reflectors = [
    one("secrets", named("heddle-agent-webhook"), certificates.seen),
    one("configmaps", configMap, settingsSeen),
  ];
  const endWork = leadership.onLeading("webhook configurations", async (signal) => {
    certificates.look();
    await configurations.keep(signal);
  });
  return {
    port: server.port,
    changed(changes) {
      follow(changes);
      validator.changed(changes);
    },
    diagnostics: () => problems,
    injection: () =>
      looked && version.minor() !== undefined
        ? { options: injectionOptions(), proxies: settings.proxies }
        : undefined,
    waiting: () => [
      ...(served === undefined ? ["the webhooks have no certificate yet"] : []),
      ...(version.minor() === undefined ? ["the cluster's version is not known yet"] : []),
    ],
    async close() {
      certificates.close();
      version.close();
      await Promise.all([endWork(), ...reflectors.map((each) => each.close())]);
      await server.close();
    },
  };
}

/** The address that is listened on, where it is one that somebody can ask for. */
function ownAddress(address: string): string[] {
  const { host } = parseAddress(address);
  return host === "0.0.0.0" || host === "::" ? [] : [host];
}

function settingsProblem(message: string, name: string): Diagnostic {
  return {
    code: "HDL7282",
    level: "Warning",
    message: `Settings of injection: ${message}`,
    origin: `ConfigMap ${name}`,
    remedy: "Correct the settings; the last good ones count until then.",
  };
}
