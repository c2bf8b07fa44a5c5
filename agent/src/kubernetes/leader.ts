/** One leader among the replicas of an agent: who holds the Lease writes to the cluster, and all of them serve. */
import { setTimeout as sleep } from "node:timers/promises";
import { OWN_LABELS } from "@heddle/kube";
import type { AgentLog } from "../log.ts";
import { ApiFailure } from "./api-failure.ts";
import type { KubernetesClient, KubernetesObject, Place } from "./client.ts";
import {
  held,
  isHeldByAnother,
  LEASE_TIMES,
  type LeaseSpec,
  type LeaseTimes,
  type Observed,
  observe,
  released,
} from "./lease.ts";

/** Work that failed is begun again after so long, milliseconds, for as long as this replica leads. */
const WORK_AGAIN = 5_000;
/** How much longer than `retry` a wait may be, so that replicas do not ask in step. */
const JITTER = 0.2;

export interface Leadership {
  readonly isLeader: boolean;
  /** Who holds the lease as far as is known; empty: nobody. */
  readonly leader: string;
  /**
   * Work that only the leader does. `run` is called each time that this replica becomes the leader, at once where it is, and
   * ends soon after its signal: another may lead from then on. What it throws is logged, and it is run again. The function
   * that is given back takes the work away again, and resolves when it has ended.
   */
  onLeading(name: string, run: (signal: AbortSignal) => Promise<void>): () => Promise<void>;
  /** Ends the work, then gives the lease back, so that another replica leads at once. */
  close(): Promise<void>;
}

export interface LeadershipOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this replica; no two have the same. */
  readonly identity: string;
  readonly log: AgentLog;
  readonly times?: LeaseTimes;
}

/** Takes part in the election until it is closed; an API server that is away is waited for. */
export function startLeadership(options: LeadershipOptions): Leadership {
  const { client, namespace, name, identity, log, times = LEASE_TIMES } = options;
  const place: Place = { apiVersion: "coordination.k8s.io/v1", plural: "leases", namespace };
  const closing = new AbortController();
  const works = new Set<Work>();
  let object: KubernetesObject | undefined;
  let observed: Observed | undefined;
  let term: AbortController | undefined;
  let troubled = false;

  const saw = (lease: KubernetesObject) => {
    object = lease;
    observed = observe(observed, specOf(lease), performance.now());
  };
  const stepDown = (why: string) => {
    if (!term) return;
    term.abort();
    term = undefined;
    log.info("this replica does not lead any more", { lease: name, why });
  };
  const lead = () => {
    term = new AbortController();
    log.info("this replica leads", { lease: name, identity });
    for (const work of works) work.begin(term.signal);
  };
  /** One try to take or keep the lease: true where this replica holds it then. Rejects with `ApiFailure`. */
  const attempt = async (signal: AbortSignal): Promise<boolean> => {
    // What was written last is written on without asking first; a conflict says that it is not so any more.
    if (!term || !object) {
      const found = await client.find(place, name, signal);
      if (!found) {
        saw(
          await client.create(
            place,
            leaseOf(held({}, identity, times.duration, Date.now())),
            signal,
          ),
        );
        return true;
      }
      saw(found);
    }
    if (!object || !observed || isHeldByAnother(observed, identity, performance.now()))
      return false;
    const spec = held(specOf(object), identity, times.duration, Date.now());
    saw(await client.replace(place, { ...object, spec }, signal));
    return true;
  };
  const leaseOf = (spec: LeaseSpec): KubernetesObject => ({
    apiVersion: place.apiVersion,
    kind: "Lease",
    metadata: {
      name,
      namespace,
      labels: OWN_LABELS,
    },
    spec,
  });

  const run = async () => {
    /** When what was written last was asked for: the lease lasts longer than from then. */
    let renewed = 0;
    while (!closing.signal.aborted) {
      const asked = performance.now();
      const left = term ? renewed + times.renewWithin - asked : times.renewWithin;
      const limit = AbortSignal.timeout(Math.max(1, Math.floor(left)));
      try {
        const holds = await attempt(AbortSignal.any([closing.signal, limit]));
        troubled = false;
        if (holds) {
          renewed = asked;
          if (!term) lead();
        } else stepDown(`${observed?.spec.holderIdentity ?? ""} holds the lease`);
      } catch (error) {
        if (closing.signal.aborted) return;
        // Others may have written it meanwhile: it is read again.
        object = undefined;
        const failure = ApiFailure.of(error);
        if (!failure.conflict && !troubled) {
          troubled = true;
          log.warn("HDL7270: the leader's lease cannot be asked for", { error: failure.message });
        }
      }
      if (term && performance.now() - renewed >= times.renewWithin)
        stepDown("the lease could not be renewed in time");
      const wait = times.retry * (1 + Math.random() * JITTER);
      const until = term ? Math.max(1, renewed + times.renewWithin - performance.now()) : wait;
      await sleep(Math.min(wait, until), undefined, { signal: closing.signal }).catch(() => {});
    }
  };
  const running = run();

  return {
    get isLeader() {
      return term !== undefined;
    },
    get leader() {
      return observed?.spec.holderIdentity ?? "";
    },
    onLeading(title, job) {
      const work = createWork(title, job, log);
      works.add(work);
      if (term) work.begin(term.signal);
      return async () => {
        works.delete(work);
        await work.end();
      };
    },
    async close() {
      closing.abort();
      const led = term !== undefined;
      stepDown("it ends");
      await running;
      await Promise.all([...works].map((work) => work.end()));
      if (!led) return;
      await release(client, place, name, identity).catch((error: unknown) =>
        log.warn("the lease could not be given back; another leads when it has run out", {
          error: ApiFailure.of(error).message,
        }),
      );
    },
  };
}

/** Read anew, since a request that was given up may have been done. */
async function release(
  client: KubernetesClient,
  place: Place,
  name: string,
  identity: string,
): Promise<void> {
  const lease = await client.find(place, name);
  if (!lease || specOf(lease).holderIdentity !== identity) return;
  await client.replace(place, { ...lease, spec: released(specOf(lease), Date.now()) });
}

interface Work {
  /** A term begins; what still ends of the one before is waited for. */
  begin(signal: AbortSignal): void;
  end(): Promise<void>;
}

function createWork(
  name: string,
  run: (signal: AbortSignal) => Promise<void>,
  log: AgentLog,
): Work {
  const ending = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const during = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      try {
        return await run(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.error("HDL7271: work of the leader failed; it is begun again", {
          ...{ work: name, error: String(error) },
        });
        await sleep(WORK_AGAIN, undefined, { signal }).catch(() => {});
      }
    }
  };
  return {
    begin(term) {
      const signal = AbortSignal.any([term, ending.signal]);
      running = running.then(() => during(signal));
    },
    async end() {
      ending.abort();
      await running;
    },
  };
}

function specOf(lease: KubernetesObject): LeaseSpec {
  return (lease["spec"] ?? {}) as LeaseSpec;
}
