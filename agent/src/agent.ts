/** Puts an agent together: sources → model → translation → xDS, identity beside it, the plane and telemetry above. */
import path from "node:path";
import { importVerifier, type MeshState, type Sharing } from "@heddle/sync";
import { createClient } from "@heddle/client";
import { canonical, merge } from "@heddle/envoy";
import { ofRevision } from "@heddle/kube";
import { createTranslator } from "@heddle/translate";
import { type Diagnostic, MESH_SETTINGS_KEY, type Revision } from "@heddle/model";
import { AgentError } from "./agent-error.ts";
import { startAgentTelemetry } from "./agent-telemetry.ts";
import { senderOf } from "./callers/index.ts";
import { startHttpServer } from "./debug/http-server.ts";
import { type Clusters, joinClusters } from "./clusters/index.ts";
import { createAgentIdentity } from "./identity/agent-identity.ts";
import { createGuard, createIssuersKeys, serviceNamed } from "./jwks/index.ts";
import { startGateways } from "./gateways/index.ts";
import { createHealthService } from "./health/index.ts";
import { createOpenApiService } from "./openapi/index.ts";
import { createRateLimitService } from "./ratelimit/index.ts";
import { type Cluster, openCluster } from "./kubernetes/cluster.ts";
import { createLiveProxies, nameOf } from "./live-proxies.ts";
import { createMachines } from "./machines/index.ts";
import { type AgentLog, createLog } from "./log.ts";
import { hostedSettings, standaloneSettings } from "./mesh-settings.ts";
import type { AgentOptions } from "./options.ts";
import { ownMetrics, refusing } from "./own-metrics.ts";
import { readiness } from "./readiness.ts";
import { createRedactions } from "./redactions.ts";
import { createRefusals } from "./refusal/refusals.ts";
import { createHoldWriter, readHolds } from "./refusal/saved-holds.ts";
import { createMeshConflicts } from "./sources/conflicts.ts";
import { createClusterOwner } from "./sources/cluster.ts";
import { startFilesSource } from "./sources/files.ts";
import { createHostedSource, everyKey } from "./sources/hosted.ts";
import { createOverlayTimer } from "./sources/overlay-timer.ts";
import { startStatusWriter } from "./status/index.ts";
import { type KubernetesSource, startKubernetesSource } from "./sources/kubernetes/index.ts";
import { createMergedModel, type OwnedObject, type Owner } from "./sources/merge.ts";
import { createClusterStateStore } from "./state/cluster-state.ts";
import { joinMesh, joinTogether, type Membership, saveMembership } from "./state/enrollment.ts";
import { type SharedState, shareState } from "./state/shared-state.ts";
import { createAcknowledged } from "./state/acknowledged.ts";
import { createWorkingSets } from "./state/working-sets.ts";
import { createLastGood } from "./state/last-good.ts";
import { openStateDirectory, type StateDirectory } from "./state/state-directory.ts";
import { authorityReport } from "./sync/authority-report.ts";
import { createAccessAnswers } from "./sync/access-answers.ts";
import { createEffectAnswers } from "./sync/effect-answers.ts";
import { expectProxies } from "./sync/expected-proxies.ts";
import { type Link, startLink } from "./sync/link.ts";
import { proxyTrust } from "./sync/proxy-trust.ts";
import { createReporter } from "./sync/reporter.ts";
import { summarize } from "./sync/summary.ts";
import type { RunningTelemetry, TelemetryOptions } from "./telemetry/index.ts";
import { namesOfAgent, openTlsPort, type TlsPort } from "./tls-port.ts";
import { startWebhooks, type Webhooks } from "./webhooks/index.ts";
import { AGENT_VERSION } from "./version.ts";
import { createWasmModules } from "./wasm/modules.ts";
import { concernsBothEnds, createAdsServer } from "./xds/index.ts";

export interface RunningAgent {
  readonly ports: {
    readonly xds: number | undefined;
    readonly xdsTls: number | undefined;
    readonly metrics: number | undefined;
    readonly otlp: number | undefined;
    readonly otlpTls: number | undefined;
    readonly webhook: number | undefined;
  };
  /** Ends what it started; proxies keep what they have. */
  close(): Promise<void>;
}

/**
 * Starts an agent and resolves when it serves. Hosted, it serves from its last good state before the plane answers; a first
 * start waits until the plane has let it join. Rejects with an `AgentError` where it cannot start; nothing is left open then.
 */
export async function startAgent(
  options: AgentOptions,
  log: AgentLog = createLog(),
): Promise<RunningAgent> {
  const closing: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const step of closing.splice(0).toReversed()) await step();
  };
  try {
    const disk = await openStateDirectory(options.stateDir);
    closing.push(() => disk.close());
    const inCluster =
      options.kubernetes && (await openCluster(options.kubernetes, { ...options, log }));
    if (inCluster) closing.push(() => inCluster.close());
    const shared = options.plane && inCluster && sharedState(disk, inCluster, options, log);
    const directory = shared?.directory ?? disk;
    const membership = await membershipOf(options, directory, inCluster, shared, log);
    const state = { directory, shared, membership };
    return await startControl(options, state, inCluster, log, closing, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** Undefined where the agent has no place of its own in the cluster. */
function sharedState(
  disk: StateDirectory,
  { inside }: Cluster,
  { revision }: AgentOptions,
  log: AgentLog,
): SharedState | undefined {
  if (!inside) return undefined;
  const name = ofRevision("heddle-agent-state", revision);
  const store = createClusterStateStore(inside.client, inside.pod.namespace, name);
  return shareState(disk, store, inside.leadership, log);
}

async function membershipOf(
  { plane, name }: AgentOptions,
  directory: StateDirectory,
  inCluster: Cluster | undefined,
  shared: SharedState | undefined,
  log: AgentLog,
): Promise<Membership | undefined> {
  if (!plane) return undefined;
  if (shared && inCluster?.inside)
    return joinTogether(plane, name, shared, inCluster.inside.leadership, log);
  return joinMesh(plane, name, directory, log, new AbortController().signal);
}

interface OwnState {
  readonly directory: StateDirectory;
  readonly shared: SharedState | undefined;
  readonly membership: Membership | undefined;
}

async function startControl(
  options: AgentOptions,
  { directory, shared, membership }: OwnState,
  inCluster: Cluster | undefined,
  log: AgentLog,
  closing: (() => Promise<void> | void)[],
  close: () => Promise<void>,
): Promise<RunningAgent> {
  const mesh = membership ? hostedSettings(membership) : standaloneSettings(options.standalone);
  const client = membership && createClient({ baseUrl: membership.plane, token: membership.token });
  const { isDefault } = options.injection;
  const revision: Revision = { name: options.revision, isDefault };
  const translator = createTranslator({
    ...{ mesh, revision },
    clusterId: options.clusterId,
    network: options.network,
    envoyApi: { canonical, merge },
  });
  const model = createMergedModel();
  const hosted = createHostedSource();
  const meshConflicts = createMeshConflicts();
  const proxies = createLiveProxies(translator, (proxy) => machines?.opened(proxy) ?? (() => {}));
  let stateWriteFailures = 0;
  const writeFailed = (error: unknown) => {
    stateWriteFailures++;
    log.error("HDL7212: the last good state could not be written; the agent goes on", {
      error: String(error),
    });
  };
  const cluster = createClusterOwner();
  let fileDiagnostics: readonly Diagnostic[] = [];
  let kubernetesDiagnostics: readonly Diagnostic[] = [];

  // Who they are their tokens prove, so there are none on the plaintext port.
  const machines =
    options.xdsTls && inCluster
      ? createMachines({
          ...{ cluster: inCluster, settings: options.machines, log },
          objectAt: (key) => model.get(key),
          clusterObject: (key) => cluster.kubernetes(key),
        })
      : undefined;

  const names = options.xdsTls && namesOfAgent(options.xdsTls, mesh.clusterDomain);
  const guard = createGuard({
    allowed: options.jwks.allowed,
    isService: serviceNamed(
      (key) => model.get(key),
      () => translator.mesh().clusterDomain,
    ),
  });
  const identity = await createAgentIdentity({
    ...{ options, membership, client, directory, translator, guard, log },
    ...{ cluster: inCluster, serverNames: names, trustDomain: mesh.trustDomain },
    objectAt: (key) => model.get(key),
    changed: () => reporter.authorityChanged(),
  });
  closing.push(() => identity.close());
  const { issuer, certificates, secrets, roots, authority, federated } = identity;
  const rateLimits = createRateLimitService({
    agents: options.rateLimitAgents,
    now: () => performance.now(),
    onAway: (agent, error) => log.warn("rate limits: another agent is away", { agent, error }),
  });
  closing.push(() => rateLimits.close());
  const openApi = createOpenApiService({ get: (key) => model.get(key), log });
  closing.push(() => openApi.close());
  const health = createHealthService({
    objects: function* () {
      for (const [, , object] of model.entries()) yield object;
    },
    set: (entry, ready) => {
      translator.setWorkloadReady(entry, ready);
      clusters?.changed();
    },
    log,
  });
  const workingSets = await createWorkingSets({
    directory,
    workloadOf: (proxy) => `${proxy.namespace}/${translator.workloadOf(proxy).workload}`,
    failed: writeFailed,
  });
  closing.push(() => workingSets.settled());
  const ads = createAdsServer({
    translator: proxies,
    secrets,
    workingSets,
    log,
    beside: [rateLimits, openApi, health],
  });
  closing.push(() => ads.close());
  closing.push(() => health.close());
  if (machines) closing.push(() => machines.close());

  const heldBefore = await readHolds(directory);
  const holdWriter = createHoldWriter(directory, log);
  const refusals = createRefusals({
    ads,
    origins: (id, type, resource) => proxies.find(id)?.view.origins(type, resource) ?? [],
    effectOf: (key) => translator.effectOf(key),
    apply: (changes) => translator.apply(changes),
    settled: () => translator.settled(),
    saved: heldBefore,
    save: (holds) => holdWriter.write(holds),
    log,
  });
  closing.push(async () => {
    refusals.close();
    await holdWriter.settled();
  });
  let stateChanged = () => {};
  const inForce = function* () {
    for (const [, , object] of model.entries()) yield object;
    yield* refusals.substitutes();
  };
  const modules = createWasmModules({
    directory: path.join(directory.path, "wasm"),
    objects: inForce,
    get: (key) => model.get(key),
    set: (key, state) => translator.setWasmModule(key, state),
    changed: () => stateChanged(),
    log,
  });
  closing.push(() => modules.close());

  const issuersKeys = createIssuersKeys({
    ...{ directory, log, objects: inForce },
    set: (source, state) => translator.setSigningKeys(source, state),
    changed: () => stateChanged(),
    guard,
    ...(options.jwks.refresh ? { refresh: options.jwks.refresh } : {}),
  });
  closing.push(() => issuersKeys.close());

  const effectAt = createEffectAnswers({
    model,
    effectOf: (key) => translator.effectOf(key),
    standing: (id, type, name) => ads.standing(id, type, name),
    refusals,
    sourceOf: (key) => sourceOf(key),
  });

  const accessAt = createAccessAnswers({
    proxies,
    translator,
    sourceOf: (key) => sourceOf(key),
  });

  const redactions = createRedactions({
    rootNamespace: mesh.rootNamespace,
    // Of a mesh all agents have the same: equal values stay equal over its clusters.
    key: options.redactionKey ?? membership?.mesh.id ?? mesh.name,
    objectAt: (key) => model.get(key),
  });

  let tls: TlsPort | undefined;
  const put = (owner: Owner, changes: ReadonlyMap<string, OwnedObject | undefined>) => {
    const changed = model.update(owner, changes);
    if (changed.length === 0) return;
    meshConflicts.changed(changed);
    statuses?.changed(changed);
    webhooks?.changed(changed);
    const keys = changed.map(({ key }) => key);
    gateways?.objectsChanged(keys);
    openApi.objectsChanged(keys);
    translator.apply(refusals.pass(changed));
    if (keys.some(concernsBothEnds)) ads.announce();
    secrets.objectsChanged(keys);
    // Aliases are names of the mesh's own roots.
    if (keys.includes(MESH_SETTINGS_KEY)) secrets.trustChanged();
    modules.objectsChanged(keys);
    issuersKeys.objectsChanged(keys);
    health.objectsChanged(keys);
    if (redactions.objectsChanged(keys)) telemetry?.update();
    clusters?.changed();
    tls?.objectsChanged(keys);
    machines?.objectsChanged(keys);
  };
  const diagnostics = () => [
    ...fileDiagnostics,
    ...kubernetesDiagnostics,
    ...cluster.diagnostics(),
    ...model.conflicts(),
    ...hosted.diagnostics(),
    ...meshConflicts.findings(translator.mesh()),
    ...translator.diagnostics(),
    ...refusals.diagnostics(),
    ...modules.diagnostics(),
    ...issuersKeys.diagnostics(),
    ...(webhooks?.diagnostics() ?? []),
    ...(gateways?.diagnostics() ?? []),
  ];
  const statuses =
    inCluster?.inside &&
    startStatusWriter({
      ...{ ...inCluster.inside, model, log },
      settings: () => ({ ...translator.mesh(), revision }),
      diagnostics: async () => {
        await translator.settled();
        return diagnostics();
      },
    });
  refusals.onChange(() => statuses?.diagnosed());
  let webhooks: Webhooks | undefined;
  let up = false;
  let ending = false;
  const gateways =
    inCluster?.inside &&
    startGateways({
      ...{ ...inCluster.inside, access: inCluster.access, model, log },
      mesh: () => ({ ...translator.mesh(), proxies: webhooks?.injection()?.proxies ?? {} }),
      // What pods are told may change; which Gateways are served is decided once.
      options: () => ({ ...(webhooks?.injection()?.options ?? options.injection), isDefault }),
      // Settings of injection are read with the webhooks.
      ready: () => up && (webhooks === undefined || webhooks.injection() !== undefined),
      // What the plane has is known when a revision was applied.
      whole: () => membership === undefined || (link?.state().applied.number ?? 0) > 0,
    });
  if (gateways) closing.push(() => gateways.close());
  let link: Link | undefined;
  let telemetry: RunningTelemetry | undefined;
  let clusters: Clusters | undefined;
  let files: Awaited<ReturnType<typeof startFilesSource>> | undefined;
  let kubernetes: KubernetesSource | undefined;
  const sourceOf = (key: string) =>
    cluster.placeOf(key) === "files" ? files?.sourceOf(key) : undefined;
  const expected = await expectProxies(directory, log);
  closing.push(() => expected.close());
  const reporter = createReporter(
    ads,
    () => link,
    () => summarize(model, translator.mesh(), diagnostics(), sourceOf),
    expected,
    refusals,
    {
      proxy: (status) => proxyTrust(status, secrets),
      agent: (missing) => authorityReport(authority, issuer, roots, missing),
      federations: () => federated.report(),
    },
    log,
  );
  closing.push(() => reporter.close());
  federated.start();
  stateChanged = () => {
    reporter.clusterChanged();
    statuses?.diagnosed();
  };

  if (membership) {
    const joined = (clusters = await joinClusters({
      ...{ mesh: membership.mesh.id, directory, model, translator, log, writeFailed },
      connected: () => link?.state().phase === "open",
      send: (frame) => link?.send(frame),
      putServices: (changes) => put("elsewhere", changes),
    }));
    closing.push(() => joined.close());
  }

  const overlayTimer = createOverlayTimer((now) => {
    put("hosted", hosted.expire(now));
    return hosted.nextExpiry(now);
  });
  closing.push(() => overlayTimer.close());
  const applyHosted = (state: MeshState, changed: readonly string[]) => {
    const now = Date.now();
    put("hosted", hosted.accept(state, changed, now));
    const number = state.header?.number ?? 0;
    ads.setRevision(number);
    shared?.applied(number);
    reporter.applied(number);
    reporter.clusterChanged();
    overlayTimer.plan(hosted.nextExpiry(now));
  };

  const lastGood = createLastGood(directory, log, writeFailed);
  let resumed: MeshState | undefined;
  if (membership) {
    const verifier = await importVerifier(membership.signingKey);
    resumed = await lastGood.load({ mesh: membership.mesh.id, verifier });
    if (resumed.header) {
      applyHosted(resumed, everyKey(resumed));
      log.info("resumed from disk", {
        revision: resumed.header.number,
        objects: resumed.objects.size,
      });
    }
  }
  if (options.configDir) {
    files = await startFilesSource(
      options.configDir,
      (update) => {
        fileDiagnostics = update.diagnostics;
        put("cluster", cluster.update("files", update.changes));
        reporter.clusterChanged();
      },
      log,
    );
    const source = files;
    closing.push(() => source.close());
  }

  if (inCluster) {
    const source = startKubernetesSource(
      inCluster.access,
      (update) => {
        kubernetesDiagnostics = update.diagnostics;
        put("cluster", cluster.update("kubernetes", update.changes));
        reporter.clusterChanged();
      },
      log,
      (seen) => statuses?.observed(seen),
    );
    kubernetes = source;
    closing.push(() => source.close());
  }

  /** What the plane has is known when a revision was applied, or when it has none. */
  const isRedactionKnown = () => {
    const { phase, applied, newest } = link?.state() ?? {};
    if (membership === undefined || (applied?.number ?? 0) > 0) return true;
    return phase === "open" && (newest?.number ?? 0) === 0;
  };
  const numbers = () =>
    ownMetrics({
      proxies: proxies.all().length,
      refusing: refusing(ads.status()),
      objects: model.size,
      revision: link?.state().applied.number ?? 0,
      acknowledged: link?.state().acknowledged ?? 0,
      connected: link && link.state().phase === "open",
      badFiles: files?.status().bad.length ?? 0,
      clusterKinds: kubernetes && kindsOf(kubernetes),
      leader: inCluster?.inside && {
        leads: inCluster.inside.leadership.isLeader,
        unwritten: statuses?.failing ?? 0,
      },
      conflicts: model.conflicts().length,
      stateWriteFailures,
      certificates: identity.watched(),
      withoutCertificate: certificates.missing().length,
      rateLimits: rateLimits.numbers(),
      openApi: openApi.numbers(),
      issuers: issuersKeys.numbers(),
      unreadyWorkloads: health.unready(),
      callers: tls?.callers.numbers(),
      machines: machines?.numbers(),
      clusters: clusters?.status(),
    });
  // First of all: what holds up the rest can be asked for there.
  const metrics =
    options.metricsAddress === undefined
      ? undefined
      : await startHttpServer(options.metricsAddress, {
          proxies,
          status: () => ads.status(),
          diagnostics,
          link: () => link?.state(),
          clusters: () => clusters?.status(),
          certificates: () => certificates.all(),
          changes: () => translator.changes(),
          objects: () => model.entries(),
          metricsPort: () => telemetry?.ports.metrics,
          ownMetrics: numbers,
          ready: () =>
            readiness({
              ending,
              up,
              unread: kubernetes?.waiting() ?? [],
              certificate: tls?.certificate,
              reviews: webhooks?.waiting() ?? [],
              link: link?.state(),
              alerts: identity.alerts(),
            }),
        });
  if (metrics) closing.push(() => metrics.close());
  // Proxies that come to an agent which has not read its cluster would lose what they have.
  await kubernetes?.synced;
  if (options.webhookAddress !== undefined)
    webhooks = await startWebhooks({
      ...{ address: options.webhookAddress, cluster: inCluster, model, log },
      ...{ revision: options.revision, clusterId: options.clusterId },
      mesh: () => translator.mesh(),
      settingsChanged: () => gateways?.optionsChanged(),
    });
  const reviewed = webhooks;
  if (reviewed) closing.push(() => reviewed.close());
  const xds = options.xdsAddress === undefined ? undefined : await listen(ads, options.xdsAddress);
  if (options.xdsTls && inCluster) {
    const opened = (tls = await openTlsPort(options.xdsTls, {
      ...{ ads, issuer, mesh, log, inCluster },
      lifetime: options.certificates.lifetime,
      objectAt: (key) => cluster.kubernetes(key),
      machines: machines?.accounts,
      namespaces: () => cluster.kubernetesKeys("core/Namespace/"),
    }));
    closing.push(() => opened.close());
  }
  if (membership && client && resumed) {
    link = await startLink({
      url: membership.plane,
      token: membership.token,
      replica: inCluster?.inside?.pod.name,
      mesh: membership.mesh,
      agent: options.name,
      version: AGENT_VERSION,
      signingKey: membership.signingKey,
      client,
      state: resumed,
      lastGood,
      acknowledged: createAcknowledged(directory, writeFailed),
      log,
      apply: applyHosted,
      sharing: sharingOf(options),
      others: (frame) => clusters?.heard(frame),
      authority: (version) => authority.changed(version),
      greeted: (summary) => {
        reporter.greeted(summary);
        clusters?.greeted();
      },
      command: ({ name, id, key, question }) => {
        if (name === "report-proxies") reporter.again("proxies");
        else if (name === "report-summary") reporter.again("summary");
        else if (name === "effect" && key !== undefined)
          link?.send({ type: "effect", id, effect: effectAt(key) });
        else if (name === "explain" && question !== undefined)
          link?.send({ type: "explained", id, answer: accessAt(question) });
      },
      rotated: (signingKey) =>
        void saveMembership(directory, { ...membership, signingKey }).catch((error: unknown) =>
          log.error("the new signing key could not be kept on disk", { error: String(error) }),
        ),
    });
    const open = link;
    closing.push(() => open.close());
  }
  const provenSenders = ({ certificate, callers }: TlsPort): TelemetryOptions["tls"] => ({
    shown: () => certificate.shown(),
    subscribe: (listener) => certificate.subscribe(listener),
    prove: async (token) =>
      senderOf(
        await callers.prove(token),
        { trustDomain: mesh.trustDomain, clusterId: options.clusterId },
        (pod) => translator.workloadOf(pod),
      ),
  });
  telemetry = await startAgentTelemetry(options, membership, log, {
    targets: () =>
      proxies.all().map(({ description }) => ({
        name: nameOf(description),
        address: description.statsAddress ?? description.addresses[0] ?? "",
      })),
    redaction: () => (isRedactionKnown() ? redactions.settings() : undefined),
    ownMetrics: numbers,
    whoHas: (address) => translator.workloadAt(address),
    tls: tls && provenSenders(tls),
  });
  if (telemetry) closing.push(() => telemetry.close());
  up = true;
  // First of all: whoever leads next is to find what this one has written.
  closing.push(async () => {
    ending = true;
    await shared?.close();
    await inCluster?.close();
  });
  const xdsTls = tls?.port;
  const ports = {
    ...{ xds, xdsTls, metrics: metrics?.port, webhook: webhooks?.port },
    ...{ otlp: telemetry?.ports.otlp, otlpTls: telemetry?.ports.otlpTls },
  };
  log.info("agent is up", { ...ports, mesh: mesh.name, objects: model.size });
  return { ports, close };
}

/** Undefined for an agent that knows of no cluster. */
function sharingOf({ clusterId, endpointsTtl }: AgentOptions): Sharing | undefined {
  return clusterId === "" ? undefined : { cluster: clusterId, ttl: endpointsTtl };
}

function kindsOf(source: KubernetesSource): { followed: number; failing: number } {
  const { kinds, failing } = source.status();
  return { followed: kinds, failing: failing.length };
}

async function listen(
  ads: { start(address: string): Promise<number> },
  address: string,
): Promise<number> {
  try {
    return await ads.start(address);
  } catch (error) {
    throw new AgentError("HDL7204", `xDS cannot be served at ${address}: ${String(error)}`, error);
  }
}
