/**
 * Makes what is planned for Gateways, changes it back where somebody else changes it, and removes what is not planned any
 * more. For the leader alone. What goes with its Gateway is removed by Kubernetes, by its owner.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { GATEWAY_NAME } from "@heddle/injection";
import { isOwn } from "@heddle/kube";
import { type Diagnostic, originOf } from "@heddle/model";
import { backoff } from "@heddle/sync";
import { agentCodes } from "../agent-error.ts";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesClient, KubernetesObject } from "../kubernetes/client.ts";
import type { AgentLog } from "../log.ts";
import type { ApiServer } from "../sources/kubernetes/api.ts";
import { idOf, isForGateway, kindOfMade, marked, placeOf } from "./made-kinds.ts";
import type { GatewayPlan } from "./plans.ts";
import { watchMade } from "./seen.ts";

export interface GatewayWriterOptions {
  readonly api: ApiServer;
  readonly client: KubernetesClient;
  readonly plans: () => ReadonlyMap<string, GatewayPlan>;
  /** Whether all that the plane has is known: only then is a Gateway that is not there gone. */
  readonly whole: () => boolean;
  readonly log: AgentLog;
}

export interface GatewayWriter {
  /** Plans are others. */
  plansChanged(): void;
  diagnostics(): readonly Diagnostic[];
  close(): Promise<void>;
}

/** Events of a burst are taken together, milliseconds. */
const GATHER = 30;
/** What could not be removed is looked for again after so long, milliseconds. */
const REMOVE_AGAIN = 1_000;

interface Wanted {
  readonly id: string;
  readonly plan: GatewayPlan;
  readonly object: KubernetesObject;
}

interface Trouble {
  readonly diagnostic: Diagnostic;
  readonly attempts: number;
  readonly since: number;
}

export function startGatewayWriter(options: GatewayWriterOptions): GatewayWriter {
  const { api, client, plans, whole, log } = options;
  const closing = new AbortController();
  const { signal } = closing;
  /** What was applied last, and how the cluster had it afterwards. */
  const applied = new Map<string, { readonly text: string; readonly state: string }>();
  const troubles = new Map<string, Trouble>();
  let wake = Promise.withResolvers<void>();
  let again: NodeJS.Timeout | undefined;
  let againAt = Infinity;
  const look = () => wake.resolve();
  const seen = watchMade(api, look);

  const lookAgain = (milliseconds: number) => {
    const at = performance.now() + milliseconds;
    // What is to be tried soon does not wait for what is tried late.
    if (at >= againAt) return;
    againAt = at;
    clearTimeout(again);
    again = setTimeout(() => {
      againAt = Infinity;
      look();
    }, milliseconds);
  };
  const trouble = ({ id, plan }: Wanted, code: "HDL7260" | "HDL7261", message: string) => {
    const before = troubles.get(id);
    const { attempts = 0, since = performance.now() } = before ?? {};
    const origin = originOf(plan.gateway);
    if (before?.diagnostic.message !== message)
      log.warn(`${code}: ${message}`, { gateway: origin });
    const diagnostic: Diagnostic = {
      code,
      level: "Warning",
      message,
      origin,
      remedy: agentCodes[code],
    };
    troubles.set(id, { diagnostic, attempts: attempts + 1, since });
    const wait = backoff(
      { attempts, lasted: performance.now() - since, refused: true },
      Math.random(),
    );
    lookAgain(Math.max(wait, GATHER));
  };
  /** Whether the object may be applied: it is ours, nobody's yet, or made for the Gateway by hand. */
  const mayApply = async (wanted: Wanted): Promise<boolean> => {
    const { id, plan, object } = wanted;
    const { name, namespace = "" } = object.metadata;
    const known = seen.get(id);
    if (isOwn(known?.labels)) return true;
    const found =
      known ?? (await client.find(placeOf(kindOfMade(object), namespace), name, signal))?.metadata;
    if (!found || isOwn(found.labels)) return true;
    if (isForGateway(found, plan.gateway, GATEWAY_NAME)) return true;
    // An account that somebody made for the pods is used as it is.
    if (object.kind === "ServiceAccount") return false;
    trouble(
      wanted,
      "HDL7261",
      `${object.kind} ${namespace}/${name}, which the Gateway needs, is there already and is somebody else's`,
    );
    return false;
  };
  const apply = async (wanted: Wanted) => {
    const { id, object } = wanted;
    const text = JSON.stringify(object);
    const before = applied.get(id);
    const now = seen.get(id);
    if (before?.text === text && now && before.state === stateOf(now)) return;
    try {
      if (!(await mayApply(wanted))) return;
      const place = placeOf(kindOfMade(object), object.metadata.namespace ?? "");
      const made = await client.apply(place, object, {}, signal);
      applied.set(id, { text, state: stateOf(made.metadata) });
      troubles.delete(id);
    } catch (error) {
      if (signal.aborted) return;
      const { message } = ApiFailure.of(error);
      const { namespace, name } = object.metadata;
      trouble(
        wanted,
        "HDL7260",
        `${object.kind} ${namespace}/${name} cannot be applied: ${message}`,
      );
    }
  };
  const remove = async (id: string, { uid }: KubernetesObject["metadata"]) => {
    const [kind = "", namespace = "", name = ""] = id.split("/");
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    try {
      await client.remove(
        placeOf(kindOfMade({ kind }), namespace),
        name,
        { ...preconditions, propagationPolicy: "Background" },
        signal,
      );
      log.info("what is not deployed for a Gateway any more was removed", {
        kind,
        namespace,
        name,
      });
    } catch (error) {
      if (signal.aborted) return;
      // It changed, or the server is away: what was removed after all is not seen any more then.
      lookAgain(REMOVE_AGAIN);
      log.warn(
        `HDL7260: ${kind} ${namespace}/${name} cannot be removed: ${ApiFailure.of(error).message}`,
      );
    }
  };
  const pass = async () => {
    if (!seen.whole()) return;
    const wanted = wantedBy(plans());
    for (const id of troubles.keys()) if (!wanted.has(id)) troubles.delete(id);
    for (const id of applied.keys()) if (!wanted.has(id)) applied.delete(id);
    for (const each of wanted.values()) {
      if (signal.aborted) return;
      await apply(each);
    }
    for (const [id, metadata] of seen.all())
      if (!wanted.has(id) && isOrphan(metadata)) await remove(id, metadata);
  };
  const isOrphan = (metadata: KubernetesObject["metadata"]): boolean => {
    if (!isOwn(metadata.labels) || metadata["deletionTimestamp"] !== undefined) return false;
    const plan = plans().get(`${metadata.namespace}/${metadata.labels?.[GATEWAY_NAME]}`);
    if (plan) return plan.left || plan.deployment.deployed;
    // Of a Gateway of the cluster's own its owner is left to Kubernetes.
    return metadata["ownerReferences"] === undefined && whole();
  };
  const run = async () => {
    while (!signal.aborted) {
      await Promise.race([wake.promise, aborted(signal)]);
      await sleep(GATHER, undefined, { signal }).catch(() => {});
      wake = Promise.withResolvers();
      if (!signal.aborted) await pass();
    }
  };
  const running = run();
  return {
    plansChanged: look,
    diagnostics: () => [...troubles.values()].map(({ diagnostic }) => diagnostic),
    async close() {
      closing.abort();
      clearTimeout(again);
      await seen.close();
      await running;
    },
  };
}

function wantedBy(plans: ReadonlyMap<string, GatewayPlan>): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const plan of plans.values()) {
    if (!plan.deployment.deployed) continue;
    for (const made of plan.deployment.objects) {
      const object = marked(made);
      const { namespace = "", name } = object.metadata;
      const id = idOf(object.kind, namespace, name);
      wanted.set(id, { id, plan, object });
    }
  }
  return wanted;
}

/** What changes when somebody else has changed the object: its status is none of ours. */
function stateOf({
  generation,
  resourceVersion,
  labels,
  annotations,
  ownerReferences,
}: KubernetesObject["metadata"]): string {
  const noted = Object.entries(annotations ?? {}).filter(
    ([name]) => !name.startsWith("deployment.kubernetes.io/"),
  );
  return JSON.stringify([generation ?? resourceVersion, labels, noted.toSorted(), ownerReferences]);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}
