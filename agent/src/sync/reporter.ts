/** Says what goes up, and when: acknowledgements at once, proxies and summaries gathered. */
import { type AgentFrame, partsOf, type ProxyTrust } from "@heddle/sync";
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
  /** What is in force of the plane's authorities has changed, or the plane asks. */
  authorityChanged(): void;
  /** The plane greeted, and has the summary of this hash. */
  greeted(summary: string | undefined): void;
  /** Everything of a kind again, as the plane asks. */
  again(what: "proxies" | "summary"): void;
  close(): void;
}

/** What is said of certificates: of a proxy, and of the agent with the names of the proxies that are not back. */
export interface ReportedAuthority {
  proxy(status: ProxyStatus): ProxyTrust;
  agent(missing: readonly string[]): AgentFrame | undefined;
  /** Of trust domains that the mesh federates with. */
  federations(): AgentFrame | undefined;
}

/** A proxy whose stream has ended is back within so long, or gone for good, milliseconds. */
const BACK_WITHIN = 30_000;

export function createReporter(
  ads: Pick<AdsServer, "status" | "onStatus">,
  link: () => Pick<Link, "progress" | "send"> | undefined,
  summarize: () => Promise<Summary>,
  expected: Pick<ExpectedProxies, "missing" | "connected" | "onGivenUp">,
  refusals: Pick<Refusals, "of" | "onChange">,
  authority: ReportedAuthority,
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
        proxyReport(
          status,
          refusals.of(status),
          { revision, since: appliedAt, now },
          authority.proxy(status),
        ),
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
    tellAuthority(statuses);
    // A proxy that is late becomes stale without a word of its own.
    if (statuses.some((status) => status.acknowledgedRevision < revision)) {
      for (const status of statuses)
        if (status.acknowledgedRevision < revision) dirty.add(status.id);
      gather("stale", STALE_CHECK, report);
    }
  };
  /** By name, when the stream of a proxy ended that is not back. */
  const left = new Map<string, number>();
  /** By the frame's type, what was told last. */
  const authorityTold = new Map<string, string>();
  /** After the proxies that it is true of. */
  const tellAuthority = (statuses: readonly ProxyStatus[]) => {
    for (const { name } of statuses) left.delete(name);
    for (const [name, at] of left) if (Date.now() - at >= BACK_WITHIN) left.delete(name);
    const waitedFor = [...new Set([...missing(statuses), ...left.keys()])];
    for (const frame of [authority.agent(waitedFor), authority.federations()]) {
      const text = JSON.stringify(frame);
      if (!frame || text === authorityTold.get(frame.type)) continue;
      authorityTold.set(frame.type, text);
      link()?.send(frame);
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

  const streams = new Map<number, { readonly id: string; readonly name: string }>();
  const stop = ads.onStatus((changed, ended) => {
    for (const { stream, id, name } of changed) {
      streams.set(stream, { id, name });
      dirty.add(id);
    }
    for (const stream of ended) {
      const proxy = streams.get(stream);
      streams.delete(stream);
      if (proxy === undefined) continue;
      dirty.add(proxy.id);
      left.set(proxy.name, Date.now());
      gather("left", BACK_WITHIN + PROXIES_EVERY, report);
    }
    gather("proxies", PROXIES_EVERY, report);
    expected.connected(newestStreams(ads.status()).map(({ name }) => name));
    settle();
  });
  expected.onGivenUp(() => {
    settle();
    gather("proxies", PROXIES_EVERY, report);
  });
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
    authorityChanged: () => gather("proxies", PROXIES_EVERY, report),
    greeted(hash) {
      knownBefore = known;
      // What the plane has is what counts; where it has nothing, all goes up.
      known = hash;
      if (knownBefore === undefined || knownBefore !== hash) soonSummary();
      told = "";
      authorityTold.clear();
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
