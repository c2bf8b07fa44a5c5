/** The roots of the trust domains that the mesh federates with: as the plane has them, or as their endpoints answer, kept on disk. */
import { X509Certificate } from "node:crypto";
import type { BundleEndpoint, FederatedTrust } from "@heddle/client";
import { splitPem } from "@heddle/pki";
import { type AgentFrame, type FederatedRoot, MAX_ROOTS } from "@heddle/sync";
import { z } from "zod";
import { fingerprint } from "../identity/roots.ts";
import type { Guard, RefreshTimes, Resolve } from "../jwks/index.ts";
import { refreshAfter } from "../jwks/index.ts";
import type { AgentLog } from "../log.ts";
import { keptFile } from "../state/kept-file.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { FederationError, federationErrorOf } from "./federation-error.ts";
import { fetchBundle } from "./fetch-bundle.ts";

export interface FederatedTrustOptions {
  readonly directory: Pick<StateDirectory, "read" | "write">;
  readonly guard: Guard;
  readonly log: AgentLog;
  /** Other roots are in force, or of other trust domains. */
  readonly changed: () => void;
  /** What is to be said of them is another. */
  readonly told: () => void;
  readonly refresh?: RefreshTimes | undefined;
  /** DNS unless told otherwise. */
  readonly resolve?: Resolve;
}

/** Another trust domain, and PEM of the roots that alone vouch for its identities. */
export interface FederatedBundle {
  readonly trustDomain: string;
  readonly roots: string;
}

export interface FederatedTrusts {
  /** From now on endpoints are asked. */
  start(): void;
  /** What the plane has named: all of it, each time. */
  follow(declared: readonly FederatedTrust[]): void;
  /** Those that are in force, by trust domain. */
  bundles(): readonly FederatedBundle[];
  /** What the plane is told; undefined where it has named none yet. */
  report(): Extract<AgentFrame, { type: "federations" }> | undefined;
  /** Resolves when what is to be kept is on disk. */
  close(): Promise<void>;
}

/** Shared between replicas and outlives their pods, as the name of a file of the state directory. */
export const KEPT_FEDERATIONS = "federations.json";

/** Milliseconds: five minutes is what SPIFFE has for who gives no hint, and a hint of seconds would not spread any faster. */
const REFRESH: RefreshTimes = { usual: 300_000, least: 15_000, most: 3_600_000 };
/** Milliseconds, for a whole answer. */
const TIMEOUT = 10_000;
/** Milliseconds between tries; doubled each time. */
const RETRY = { first: 2_000, longest: 60_000 };

const endpointSchema = z.object({
  kind: z.literal("endpoint"),
  profile: z.enum(["https_web", "https_spiffe"]),
  url: z.string(),
  endpointSpiffeId: z.string().optional(),
  bootstrap: z.string().optional(),
});
const bundleSchema = z.object({ kind: z.literal("bundle"), bundle: z.string() });
const fetchedSchema = z.object({
  roots: z.string(),
  sequence: z.number().optional(),
  /** Milliseconds since 1970. */
  fetchedAt: z.number(),
});
type Fetched = z.infer<typeof fetchedSchema>;
/** What was named, and what its endpoint has answered. */
const keptSchema = z.array(
  z.object({
    trustDomain: z.string(),
    source: z.union([endpointSchema, bundleSchema]),
    fetched: fetchedSchema.optional(),
  }),
);

interface Entry {
  readonly declared: FederatedTrust;
  fetched: Fetched | undefined;
  error: FederationError | undefined;
  tries: number;
  timer: NodeJS.Timeout | undefined;
}

/** Resolves when what was kept is in force. */
export async function createFederatedTrusts(
  options: FederatedTrustOptions,
): Promise<FederatedTrusts> {
  const { directory, guard, log, changed, told, refresh = REFRESH, resolve } = options;
  const entries = new Map<string, Entry>();
  /** A plane that has never named one does not know what to do with a report. */
  let named = false;
  let started = false;
  const closing = new AbortController();
  const file = keptFile(directory, KEPT_FEDERATIONS, keptSchema, {
    failed: (error) => log.warn("federation: bundles could not be kept", { error: String(error) }),
    gather: 100,
  });

  function put(declared: FederatedTrust, fetched: Fetched | undefined): void {
    const { trustDomain, source } = declared;
    const entry: Entry = { declared, fetched, error: undefined, tries: 0, timer: undefined };
    entries.set(trustDomain, entry);
    if (source.kind === "endpoint") {
      if (started) void obtain(entry, source);
    } else entry.error = whyUnreadable(source.bundle);
  }

  async function obtain(entry: Entry, endpoint: BundleEndpoint): Promise<void> {
    const { trustDomain } = entry.declared;
    const current = () => !closing.signal.aborted && entries.get(trustDomain) === entry;
    const bootstrap = endpoint.profile === "https_spiffe" ? endpoint.bootstrap : "";
    const request = { trustDomain, endpoint, roots: entry.fetched?.roots ?? bootstrap };
    const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT), closing.signal]);
    try {
      const { roots, sequence, refreshHint } = await fetchBundle(request, {
        ...{ guard, signal },
        ...(resolve ? { resolve } : {}),
      });
      if (!current()) return;
      assertNotOlder(entry, sequence);
      const unreadable = whyUnreadable(roots);
      if (unreadable) throw unreadable;
      const news = roots !== entry.fetched?.roots;
      entry.fetched = {
        roots,
        fetchedAt: Date.now(),
        ...(sequence === undefined ? {} : { sequence }),
      };
      Object.assign(entry, { error: undefined, tries: 0 });
      keep();
      if (news) {
        log.info("federation: another bundle is in force", { trustDomain, sequence });
        changed();
      }
      // Never all at once.
      plan(entry, endpoint, refreshAfter(refreshHint, refresh) * (0.9 + Math.random() / 10));
    } catch (error) {
      if (!current()) return;
      entry.error = federationErrorOf(error, endpoint.url);
      log.warn(`${entry.error.code}: a trust bundle cannot be had`, {
        ...{ trustDomain, error: entry.error.message },
      });
      plan(entry, endpoint, Math.min(RETRY.first * 2 ** entry.tries++, RETRY.longest));
    }
    told();
  }

  function plan(entry: Entry, endpoint: BundleEndpoint, after: number): void {
    entry.timer = setTimeout(() => void obtain(entry, endpoint), after);
    entry.timer.unref();
  }

  function keep(): void {
    const kept = [...entries.values()].map(({ declared, fetched }) => ({
      ...declared,
      ...(fetched ? { fetched } : {}),
    }));
    file.keep(() => kept);
  }

  for (const { fetched, ...declared } of (await file.load()) ?? [])
    put(declared as FederatedTrust, fetched);

  return {
    start() {
      started = true;
      for (const entry of entries.values()) {
        const { source } = entry.declared;
        if (source.kind === "endpoint") void obtain(entry, source);
      }
    },
    follow(declared) {
      named ||= declared.length > 0;
      const wanted = new Map(declared.map((each) => [each.trustDomain, each]));
      const before = textOf(bundlesOf(entries));
      for (const [trustDomain, { declared: old, timer }] of entries) {
        const now = wanted.get(trustDomain);
        if (now && textOf(now.source) === textOf(old.source)) continue;
        clearTimeout(timer);
        entries.delete(trustDomain);
      }
      for (const each of declared) if (!entries.has(each.trustDomain)) put(each, undefined);
      keep();
      if (textOf(bundlesOf(entries)) !== before) changed();
      told();
    },
    bundles: () => bundlesOf(entries),
    report: () =>
      named ? { type: "federations", items: [...entries.values()].map(reportOf) } : undefined,
    async close() {
      closing.abort();
      for (const { timer } of entries.values()) clearTimeout(timer);
      await file.settled();
    },
  };
}

/** A lagging copy of the endpoint would take back what another one has said. */
function assertNotOlder({ fetched }: Entry, sequence: number | undefined): void {
  if (sequence === undefined || fetched?.sequence === undefined) return;
  if (sequence >= fetched.sequence) return;
  throw new FederationError(
    "HDL9118",
    `the endpoint answers with bundle ${sequence}, and bundle ${fetched.sequence} is in force`,
  );
}

/** Whatever order its fields have, as a database may change it. */
const textOf = (value: object) =>
  JSON.stringify(value, Array.isArray(value) ? undefined : Object.keys(value).toSorted());

function rootsOf({ declared: { source }, fetched, error }: Entry): string {
  if (source.kind === "endpoint") return fetched?.roots ?? "";
  return error ? "" : source.bundle;
}

/** A proxy that cannot read one root refuses all, the mesh's own next ones among them. */
function whyUnreadable(roots: string): FederationError | undefined {
  try {
    for (const pem of splitPem(roots)) describedRoot(pem);
    return undefined;
  } catch (error) {
    return new FederationError("HDL9116", `a root cannot be read: ${String(error)}`, error);
  }
}

function bundlesOf(entries: ReadonlyMap<string, Entry>): FederatedBundle[] {
  return [...entries.values()]
    .map((entry) => ({ trustDomain: entry.declared.trustDomain, roots: rootsOf(entry) }))
    .filter(({ roots }) => roots !== "")
    .toSorted((a, b) => (a.trustDomain < b.trustDomain ? -1 : 1));
}

function reportOf(entry: Entry) {
  const { declared, fetched, error } = entry;
  return {
    trustDomain: declared.trustDomain,
    ...(fetched?.sequence === undefined ? {} : { sequence: fetched.sequence }),
    ...(fetched ? { fetchedAt: new Date(fetched.fetchedAt).toISOString() } : {}),
    ...(error ? { error: `${error.code}: ${error.message}`.slice(0, 500) } : {}),
    roots: splitPem(rootsOf(entry)).slice(0, MAX_ROOTS).map(describedRoot),
  };
}

function describedRoot(pem: string): FederatedRoot {
  const certificate = new X509Certificate(pem);
  const { serialNumber, subject, validFrom, validTo } = certificate;
  return {
    fingerprint: fingerprint(certificate),
    // Node has each part of a name on a line of its own.
    subject: subject.split("\n").join(", ").slice(0, 200),
    serialNumber: serialNumber.toLowerCase(),
    notBefore: new Date(validFrom).toISOString(),
    notAfter: new Date(validTo).toISOString(),
  };
}
