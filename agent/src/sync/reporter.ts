/** Says what goes up, and when: acknowledgements at once, proxies and summaries gathered. */
import { type AgentFrame, partsOf } from "@heddle/sync";
import type { AgentLog } from "../log.ts";
import type { Refusals } from "../refusal/refusals.ts";
import type { AdsServer, ProxyStatus } from "../xds/index.ts";
import { acknowledgement, proxyReport } from "./convergence.ts";
import type { ExpectedProxies } from "./expected-proxies.ts";
import type { Link } from "./link.ts";
import { type Summary, summaryFrames } from "./summary.ts";

/** Numbers of a revision that is on its way are told this often, milliseconds; its last proxy at once. */
const ACK_EVERY = 20;
/** Statuses of proxies, milliseconds. */
const PROXIES_EVERY = 250;
/** Summaries of the cluster, milliseconds. */
const SUMMARY_AFTER = 500;

export interface Reporter {
  /** A revision has been put in force; 0: something else changed. */
  applied(revision: number): void;
  /** The cluster's objects have changed. */
  clusterChanged(): void;
  /** The plane greeted, and has the summary of this hash. */
  greeted(summary: string | undefined): void;
  /** Everything of a kind again, as the plane asks. */
  again(what: "proxies" | "summary"): void;
  close(): void;
}

export function createReporter(
  ads: Pick<AdsServer, "status" | "onStatus">,
  link: () => Pick<Link, "progress" | "send"> | undefined,
  summarize: () => Promise<Summary>,
  expected: Pick<ExpectedProxies, "missing" | "connected" | "onGivenUp">,
  refusals: Pick<Refusals, "of" | "onChange">,
  log: AgentLog,
): Reporter {
  let revision = 0;
  let appliedAt = Date.now();
  let told = "";
  const dirty = new Set<string>();
  let everyProxy = false;
  let known: string | undefined;
  let knownBefore: string | undefined;
  const timers = new Map<string, NodeJS.Timeout>();
  /** Runs at the end of the time, once however often it is asked for. */
  const gather = (name: string, after: number, run: () => void) => {
    if (timers.has(name)) return;
    timers.set(
      name,
      setTimeout(() => {
        timers.delete(name);
        run();
      }, after),
    );
  };

  const missing = (statuses: readonly ProxyStatus[]) =>
    expected.missing(statuses.map(({ name }) => name));
  const acknowledge = () => {
    const statuses = newestStreams(ads.status());
    const ack = acknowledgement(
      revision,
      statuses,
      (status) => refusals.of(status),
      missing(statuses),
    );
    const text = JSON.stringify(ack);
    if (text === told) return;
    told = text;
    link()?.progress(ack);
  };
  const settle = () => {
    const statuses = newestStreams(ads.status());
    const late = statuses.some((status) => status.acknowledgedRevision < revision);
    if (!late && missing(statuses).length === 0) acknowledge();
    else gather("ack", ACK_EVERY, acknowledge);
  };
  const report = () => {
    const statuses = newestStreams(ads.status());
    const byId = new Map(statuses.map((status) => [status.id, status]));
    const chosen = everyProxy ? statuses : [...dirty].flatMap((id) => byId.get(id) ?? []);
    const removed = everyProxy ? [] : [...dirty].filter((id) => !byId.has(id));
    const now = Date.now();
    const parts = partsOf(
      chosen.map((status) =>
        proxyReport(status, refusals.of(status), { revision, since: appliedAt, now }),
      ),
    );
    if (parts.length === 0 && (everyProxy || removed.length > 0)) parts.push([]);
    for (const [index, upserted] of parts.entries()) {
      const frame: AgentFrame = {
        type: "proxies",
        reset: everyProxy && index === 0,
        upserted,
        removed: index === 0 ? removed.slice(0, 500) : [],
      };
      link()?.send(frame);
    }
    for (const status of chosen) dirty.delete(status.id);
    for (const id of removed) dirty.delete(id);
    everyProxy = false;
    // A proxy that is late becomes stale without a word of its own.
    if (statuses.some((status) => status.acknowledgedRevision < revision)) {
      for (const status of statuses)
        if (status.acknowledgedRevision < revision) dirty.add(status.id);
      gather("stale", STALE_CHECK, report);
    }
  };
  const summary = async () => {
    const content = await summarize();
    if (content.hash === known) return;
    known = content.hash;
    for (const frame of summaryFrames(content)) link()?.send(frame);
  };
  const soonSummary = () =>
    gather("summary", SUMMARY_AFTER, () => {
      summary().catch((error: unknown) =>
        log.error("the cluster could not be summarized", { error: String(error) }),
      );
    });

  const ids = new Map<number, string>();
  const stop = ads.onStatus((changed, ended) => {
    for (const status of changed) {
      ids.set(status.stream, status.id);
      dirty.add(status.id);
    }
    for (const stream of ended) {
      const id = ids.get(stream);
      ids.delete(stream);
      if (id !== undefined) dirty.add(id);
    }
    gather("proxies", PROXIES_EVERY, report);
    expected.connected(newestStreams(ads.status()).map(({ name }) => name));
    settle();
  });
  expected.onGivenUp(settle);
  refusals.onChange((changed) => {
    for (const id of changed) dirty.add(id);
    gather("proxies", PROXIES_EVERY, report);
    gather("ack", ACK_EVERY, acknowledge);
    soonSummary();
  });
  return {
    applied(number) {
      if (number <= revision) return;
      revision = number;
      appliedAt = Date.now();
      // Where no proxy needs anything there is nobody to wait for.
      setImmediate(settle);
    },
    clusterChanged: soonSummary,
    greeted(hash) {
      knownBefore = known;
      // What the plane has is what counts; where it has nothing, all goes up.
      known = hash;
      if (knownBefore === undefined || knownBefore !== hash) soonSummary();
      told = "";
      acknowledge();
      everyProxy = true;
      gather("proxies", PROXIES_EVERY, report);
    },
    again(what) {
      if (what === "proxies") {
        everyProxy = true;
        gather("proxies", PROXIES_EVERY, report);
      } else {
        known = undefined;
        soonSummary();
      }
    },
    close() {
      stop();
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

/** Milliseconds after which late proxies are looked at again. */
const STALE_CHECK = 10_000;

/** A proxy that has connected anew while its old stream still stands counts once. */
function newestStreams(statuses: readonly ProxyStatus[]): ProxyStatus[] {
  return [...new Map(statuses.map((status) => [status.id, status])).values()];
}
