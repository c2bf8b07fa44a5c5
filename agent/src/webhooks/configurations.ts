/** What the leader keeps in the cluster's webhook configurations: whom to trust, and that rules are refused only while somebody answers. */
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentLog } from "../log.ts";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesClient, Place } from "../kubernetes/client.ts";
import type { ApiServer } from "../sources/kubernetes/api.ts";
import { type RawObject, startReflector } from "../sources/kubernetes/reflector.ts";

export interface ConfigurationKeeper {
  /** Whether every configuration that is there trusts this authority, in PEM. */
  isTrusted(authority: string): boolean;
  /** The bundle is another one. */
  look(): void;
  /** Follows the configurations and keeps them until the signal. */
  keep(signal: AbortSignal): Promise<void>;
}

export interface ConfigurationOptions {
  readonly client: KubernetesClient;
  readonly api: ApiServer;
  /** Of the configurations. */
  readonly injector: string;
  readonly validator: string;
  /** The agent's own, where it asks whether the validator answers, and its Deployment is. */
  readonly namespace: string;
  readonly deployment: string;
  /** PEM of all authorities; undefined: there are none yet. */
  readonly bundle: () => string | undefined;
  /** Another authority is trusted by now. */
  readonly trusted: () => void;
  readonly log: AgentLog;
  readonly times?: { readonly ask: number; readonly askAgain: number };
}

const GROUP = "admissionregistration.k8s.io/v1";
/** Whether the validator answers is asked so often, milliseconds: until it does, and from then on. */
const TIMES = { ask: 2_000, askAgain: 30_000 };
/** A validator that does not answer so often in a row is not insisted on any more. */
const LOST_AFTER = 3;

/** Another replica may lead meanwhile, milliseconds. */
const LEAVE_WITHIN = 2_000;

type Policy = "Fail" | "Ignore";
type Which = "mutatingwebhookconfigurations" | "validatingwebhookconfigurations";
interface Configuration extends RawObject {
  readonly webhooks?: readonly {
    readonly failurePolicy?: Policy;
    readonly clientConfig?: { readonly caBundle?: string };
  }[];
}

export function createConfigurationKeeper(options: ConfigurationOptions): ConfigurationKeeper {
  const { client, api, bundle, trusted, log, namespace, times = TIMES } = options;
  const known = new Map<Which, Configuration>();
  /** Those of which it is known whether they are there. */
  const listed = new Set<Which>();
  const names: Readonly<Record<Which, string>> = {
    mutatingwebhookconfigurations: options.injector,
    validatingwebhookconfigurations: options.validator,
  };
  /** What the validator deserves; undefined: that is not known yet, and what stands there stays. */
  let policy: Policy | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let isToldOf = false;
  let signal: AbortSignal | undefined;

  const mend = async (which: Which, soon?: AbortSignal) => {
    const configuration = known.get(which);
    const pem = bundle();
    if (!configuration || pem === undefined) return;
    const caBundle = Buffer.from(pem).toString("base64");
    const operations = (configuration.webhooks ?? []).flatMap((webhook, index) => [
      ...(webhook.clientConfig?.caBundle === caBundle
        ? []
        : [{ op: "add", path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle }]),
      ...(which === "mutatingwebhookconfigurations" ||
      policy === undefined ||
      webhook.failurePolicy === policy
        ? []
        : [{ op: "add", path: `/webhooks/${index}/failurePolicy`, value: policy }]),
    ]);
    if (operations.length === 0) return;
    // Places in the list are those of this version.
    const value = configuration.metadata.resourceVersion;
    const test = { op: "test", path: "/metadata/resourceVersion", value };
    const place: Place = { apiVersion: GROUP, plural: which };
    const patch = { json: [test, ...operations] };
    const written = await client.patch(place, names[which], patch, {}, soon);
    known.set(which, written as unknown as Configuration);
    log.info("a webhook configuration was put right", { name: names[which], policy });
    trusted();
  };
  const mendAll = async () => {
    do {
      again = false;
      for (const which of Object.keys(names) as Which[])
        await mend(which).catch((error: unknown) => {
          const { conflict, invalid, missing, message } = ApiFailure.of(error);
          // It has changed meanwhile, and comes by its watch.
          if (conflict || invalid || missing) return;
          log.warn("HDL7284: a webhook configuration cannot be kept", {
            name: names[which],
            error: message,
          });
        });
    } while (again && signal?.aborted === false);
  };
  const look = () => {
    if (signal?.aborted !== false) return;
    again = true;
    running ??= mendAll().finally(() => (running = undefined));
  };
  const follow = (which: Which) =>
    startReflector({
      api,
      path: `/apis/${GROUP}/${which}`,
      query: { fieldSelector: `metadata.name=${names[which]}` },
      target: {
        put(object) {
          known.set(which, object);
          trusted();
          look();
        },
        remove() {
          known.delete(which);
          trusted();
        },
        only(found) {
          listed.add(which);
          if (found.size === 0) known.delete(which);
          trusted();
        },
      },
      changed() {},
    });

  /** Whether the API server comes back with what our validator says of a rule that is wrong. */
  const answers = async (): Promise<boolean> => {
    const place: Place = { apiVersion: "heddle.dev/v1", plural: "fallbacks", namespace };
    try {
      await client.tryOut(place, {
        ...{ apiVersion: "heddle.dev/v1", kind: "Fallback" },
        metadata: { name: "does-the-validator-answer", namespace },
        spec: { host: "nobody" },
      });
      return false;
    } catch (error) {
      const failure = ApiFailure.of(error);
      if (failure.message.includes("HDL0023")) return true;
      if (failure.refused && !isToldOf) {
        isToldOf = true;
        log.warn("HDL7284: whether the validator answers cannot be asked", {
          error: failure.message,
        });
      }
      // Anything else that keeps the API server from an answer says nothing of the validator.
      if (failure.unavailable && !failure.message.includes("failed calling webhook")) throw failure;
      return false;
    }
  };
  const probe = async (until: AbortSignal) => {
    let lost = 0;
    while (!until.aborted) {
      const there = known.get("validatingwebhookconfigurations");
      // An API server that is away asks no webhook either.
      const answered = there ? await answers().catch(() => undefined) : undefined;
      if (until.aborted) return;
      if (answered === true) {
        lost = 0;
        policy = "Fail";
        look();
      } else if (answered === false && ++lost >= LOST_AFTER) {
        if (policy === "Fail")
          log.warn(
            "HDL7285: the API server does not reach the validator; rules are not refused for it",
            {},
          );
        policy = "Ignore";
        look();
      }
      const wait = policy === "Fail" && lost === 0 ? times.askAgain : times.ask;
      await sleep(wait, undefined, { signal: until }).catch(() => {});
    }
  };
  /** With the last agent gone nobody is left to take this back. */
  const leave = async () => {
    const place: Place = { apiVersion: "apps/v1", plural: "deployments", namespace };
    const soon = AbortSignal.timeout(LEAVE_WITHIN);
    const deployment = await client.find(place, options.deployment, soon);
    const spec = deployment?.["spec"] as { replicas?: number } | undefined;
    if (deployment && !deployment.metadata["deletionTimestamp"] && spec?.replicas !== 0) return;
    policy = "Ignore";
    await mend("validatingwebhookconfigurations", soon);
  };
  return {
    isTrusted: (authority) =>
      listed.size === Object.keys(names).length &&
      [...known.values()].every(({ webhooks = [] }) =>
        webhooks.every(({ clientConfig }) =>
          Buffer.from(clientConfig?.caBundle ?? "", "base64")
            .toString()
            .includes(authority.trim()),
        ),
      ),
    look,
    async keep(until) {
      signal = until;
      policy = undefined;
      const reflectors = (Object.keys(names) as Which[]).map(follow);
      await probe(until);
      await running;
      await leave().catch(() => {});
      await Promise.all(reflectors.map((each) => each.close()));
      known.clear();
      listed.clear();
    },
  };
}
