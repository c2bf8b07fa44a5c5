/** The control's own metrics as Prometheus text. */
import { EXPIRY_ORDER } from "@heddle/pki";
import type { CallerNumbers } from "./callers/index.ts";
import { firstEnd, WATCHED_KINDS, type WatchedCertificate } from "./identity/expiries.ts";
import type { ClustersStatus } from "./clusters/index.ts";
import type { MachineNumbers } from "./machines/index.ts";
import type { IssuerNumbers } from "./jwks/index.ts";
import type { OpenApiNumbers } from "./openapi/index.ts";
import { writeLabels } from "@heddle/telemetry";
import { processMetrics } from "./process-metrics.ts";
import type { RateLimitNumbers } from "./ratelimit/index.ts";
import type { ProxyStatus } from "./xds/index.ts";

export interface OwnNumbers {
  readonly proxies: number;
  /** Of them those that refuse something that they were sent. */
  readonly refusing: number;
  readonly objects: number;
  readonly revision: number;
  readonly acknowledged: number;
  readonly connected: boolean | undefined;
  readonly badFiles: number;
  /** Kinds of the cluster that are followed, and of them those that are not at the moment; undefined without a cluster. */
  readonly clusterKinds: { readonly followed: number; readonly failing: number } | undefined;
  /** Whether this replica leads, and statuses that it could not write when it tried last; undefined where none is elected. */
  readonly leader: { readonly leads: boolean; readonly unwritten: number } | undefined;
  readonly conflicts: number;
  readonly stateWriteFailures: number;
  readonly certificates: readonly WatchedCertificate[];
  /** Workloads that a certificate was asked for in vain, and that have none. */
  readonly withoutCertificate: number;
  readonly rateLimits: RateLimitNumbers;
  readonly openApi: OpenApiNumbers;
  /** Of each rule of a RequestAuthentication whose keys are fetched. */
  readonly issuers: readonly IssuerNumbers[];
  /** WorkloadEntries that are left out since their probe fails. */
  readonly unreadyWorkloads: number;
  /** Of the TLS port; undefined without it. */
  readonly callers: CallerNumbers | undefined;
  /** Of the TLS port; undefined without it. */
  readonly machines: MachineNumbers | undefined;
  /** Of the mesh's other clusters; undefined without a plane. */
  readonly clusters: ClustersStatus | undefined;
}

export function ownMetrics(numbers: OwnNumbers): string {
  const lines: string[] = [];
  const gauge = (name: string, help: string, value: number | undefined, type = "gauge") => {
    if (value === undefined) return;
    lines.push(
      `# HELP heddle_agent_${name} ${help}`,
      `# TYPE heddle_agent_${name} ${type}`,
      `heddle_agent_${name} ${value}`,
    );
  };
  gauge("proxies", "Proxies that are connected.", numbers.proxies);
  gauge(
    "proxies_refusing",
    "Proxies that go on with an older version of what they have refused.",
    numbers.refusing,
  );
  gauge("objects", "Objects of the merged model.", numbers.objects);
  gauge("revision", "The hosted revision that is in force.", numbers.revision);
  gauge(
    "revision_acknowledged",
    "The last hosted revision that every proxy has acknowledged.",
    numbers.acknowledged,
  );
  gauge(
    "plane_connected",
    "Whether the plane is in touch.",
    numbers.connected === undefined ? undefined : Number(numbers.connected),
  );
  gauge(
    "bad_files",
    "Files whose last good objects stand in for what cannot be read.",
    numbers.badFiles,
  );
  gauge(
    "cluster_kinds",
    "Kinds of objects that are followed in the cluster.",
    numbers.clusterKinds?.followed,
  );
  gauge(
    "cluster_kinds_failing",
    "Kinds that cannot be followed in the cluster at the moment: what was read last is in force.",
    numbers.clusterKinds?.failing,
  );
  gauge(
    "leader",
    "Whether this replica is the one that writes to the cluster.",
    numbers.leader && Number(numbers.leader.leads),
  );
  gauge(
    "statuses_unwritten",
    "Objects whose status could not be written when that was tried last.",
    numbers.leader?.unwritten,
  );
  gauge(
    "other_clusters",
    "Other clusters of the mesh that share their services with this one.",
    numbers.clusters?.others.length,
  );
  gauge(
    "shared_items",
    "Services, and gateways between networks, that other clusters are told of.",
    numbers.clusters?.shared,
  );
  gauge("owner_conflicts", "Objects that cluster and plane both own.", numbers.conflicts);
  gauge(
    "state_write_failures_total",
    "Writes of the last good state that failed.",
    numbers.stateWriteFailures,
    "counter",
  );
  const leaf = firstEnd(numbers.certificates, "leaf");
  gauge(
    "certificate_expiry_seconds",
    "Seconds until the first workload certificate ends.",
    leaf === undefined ? undefined : Math.round(leaf - Date.now() / 1000),
  );
  gauge(
    "workload_certificate_expiry_timestamp_seconds",
    "When the first workload certificate ends, seconds since 1970.",
    leaf,
  );
  gauge(
    "intermediate_expiry_timestamp_seconds",
    "When the intermediate ends that the agent signs with, seconds since 1970.",
    firstEnd(numbers.certificates, "agent"),
  );
  gauge(
    "root_expiry_timestamp_seconds",
    "When the first root that workloads trust ends, seconds since 1970.",
    firstEnd(numbers.certificates, "root"),
  );
  lines.push(...byLevel(numbers.certificates));
  gauge(
    "workloads_without_certificate",
    "Workloads that a certificate was asked for in vain: their proxies have what they had, or none.",
    numbers.withoutCertificate,
  );
  gauge(
    "workloads_unready",
    "WorkloadEntries that are no endpoints since their probe fails.",
    numbers.unreadyWorkloads,
  );
  gauge(
    "callers_refused_total",
    "Calls on the TLS port whose caller did not prove who it is.",
    numbers.callers?.refused,
    "counter",
  );
  gauge(
    "callers_unreviewed_total",
    "Tokens taken by their signature alone, since the API server could not be asked.",
    numbers.callers?.unreviewed,
    "counter",
  );
  gauge("machines", "Machines of WorkloadGroups that are connected.", numbers.machines?.connected);
  gauge(
    "machines_unwritten",
    "WorkloadEntries of machines that could not be written when that was tried last.",
    numbers.machines?.unwritten,
  );
  const { keys, allowed, refused, stoodIn } = numbers.rateLimits;
  gauge(
    "rate_limit_keys",
    "Keys of global rate limits that are counted here, or that this agent would go on counting for another.",
    keys,
  );
  gauge("rate_limit_allowed_total", "Requests let through by global limits.", allowed, "counter");
  gauge("rate_limit_refused_total", "Requests refused by global limits.", refused, "counter");
  gauge(
    "rate_limit_stood_in_total",
    "Requests counted here for an agent that was away.",
    stoodIn,
    "counter",
  );
  const { passed, refused: wrong, failed } = numbers.openApi;
  gauge("openapi_passed_total", "Requests that are as a document describes.", passed, "counter");
  gauge("openapi_refused_total", "Requests that are not, reported ones too.", wrong, "counter");
  gauge("openapi_failed_total", "Requests that could not be checked.", failed, "counter");
  lines.push(...issuerMetrics(numbers.issuers));
  return `${lines.join("\n")}\n${processMetrics()}`;
}

/** Nothing where there is no such rule. Two rules of one policy for one issuer are as good as the worse one. */
export function issuerMetrics(issuers: readonly IssuerNumbers[]): string[] {
  const byRule = Map.groupBy(issuers, ({ policy, issuer }) => writeLabels({ policy, issuer }));
  const family = (name: string, help: string, value: (rules: readonly IssuerNumbers[]) => number) =>
    byRule.size === 0
      ? []
      : [
          `# HELP heddle_agent_${name} ${help}`,
          `# TYPE heddle_agent_${name} gauge`,
          ...[...byRule].map(
            ([labels, rules]) => `heddle_agent_${name}{${labels}} ${value(rules)}`,
          ),
        ];
  return [
    ...family(
      "issuer_keys_available",
      "Whether there are keys to check an issuer's tokens with: where there are none its tokens are refused.",
      (rules) => Number(rules.every(({ available }) => available)),
    ),
    ...family(
      "issuer_keys_failing",
      "Whether an issuer's keys could not be fetched when that was tried last: those from before go on.",
      (rules) => Number(rules.some(({ code }) => code !== undefined)),
    ),
  ];
}

/** One that is at another level than `ok` is not renewed as it should be. */
function byLevel(all: readonly WatchedCertificate[]): string[] {
  const name = "heddle_agent_certificates";
  const counts = WATCHED_KINDS.flatMap((kind) =>
    EXPIRY_ORDER.map((level) => {
      const count = all.filter((each) => each.kind === kind && each.level === level).length;
      return `${name}{kind="${kind}",level="${level}"} ${count}`;
    }),
  );
  return [
    `# HELP ${name} Certificates by how near their end is.`,
    `# TYPE ${name} gauge`,
    ...counts,
  ];
}

/** How many proxies, of which each may have several streams, have refused something that is still to be put right. */
export function refusing(streams: readonly Pick<ProxyStatus, "id" | "types">[]): number {
  const all = streams.filter(({ types }) =>
    Object.values(types).some(({ error }) => error !== undefined),
  );
  return new Set(all.map(({ id }) => id)).size;
}
