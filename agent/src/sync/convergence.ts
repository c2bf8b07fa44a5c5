/** What the plane is told of the proxies: how many hold the newest revision, and each one's status. */
import {
  type AgentFrame,
  MAX_LAGGARDS,
  MAX_REASON_CHARACTERS,
  MAX_REJECTIONS,
  type ProxyReport,
  type Rejection,
} from "@heddle/sync";
import type { ProxyStatus, ResourceType } from "../xds/index.ts";

/** Names of resource types as users know them. */
export const TYPE_NAMES: Readonly<Record<ResourceType, string>> = {
  cluster: "CDS",
  endpoint: "EDS",
  listener: "LDS",
  route: "RDS",
  secret: "SDS",
};

/** A proxy that has not acknowledged a revision for so long is stale, milliseconds. */
const STALE_AFTER = 30_000;

/** How far the proxies are with a revision. `missing` names those that are expected and not connected: they are late. */
export function acknowledgement(
  number: number,
  proxies: readonly ProxyStatus[],
  missing: readonly string[] = [],
): Extract<AgentFrame, { type: "ack" }> {
  const late = proxies.filter((proxy) => proxy.acknowledgedRevision < number);
  const rejections = proxies.flatMap(rejectionsOf);
  return {
    type: "ack",
    number,
    proxies: proxies.length + missing.length,
    acknowledged: proxies.length - late.length,
    laggards: [...late.map(({ name }) => name), ...missing].slice(0, MAX_LAGGARDS),
    rejections: rejections.slice(0, MAX_REJECTIONS),
  };
}

function rejectionsOf(proxy: ProxyStatus): Rejection[] {
  return Object.entries(proxy.types).flatMap(([type, status]) => {
    if (status.error === undefined) return [];
    const [resource] = status.culprits ?? [];
    return [
      {
        proxy: proxy.name,
        type: TYPE_NAMES[type as ResourceType],
        ...(resource === undefined ? {} : { resource }),
        reason: status.error.slice(0, MAX_REASON_CHARACTERS),
      },
    ];
  });
}

/** One proxy for the plane's list. `since`: when the newest revision was put in force, milliseconds since 1970. */
export function proxyReport(
  proxy: ProxyStatus,
  revision: number,
  since: number,
  now: number,
): ProxyReport {
  const types = Object.fromEntries(
    Object.entries(proxy.types).map(([type, status]) => [
      TYPE_NAMES[type as ResourceType],
      {
        version: status.acknowledgedVersion,
        ...(status.acknowledgedAt > 0
          ? { acknowledgedAt: new Date(status.acknowledgedAt).toISOString() }
          : {}),
        resources: status.resources,
        ...(status.error === undefined
          ? {}
          : { error: status.error.slice(0, MAX_REASON_CHARACTERS) }),
        ...(status.culprits?.[0] === undefined
          ? {}
          : { culprit: status.culprits[0].slice(0, 1024) }),
      },
    ]),
  );
  const behind = proxy.acknowledgedRevision < revision;
  const rejected = Object.values(proxy.types).some((status) => status.error !== undefined);
  return {
    id: proxy.id,
    name: proxy.name,
    type: proxy.type,
    cohort: "stable",
    connectedAt: new Date(proxy.connectedAt).toISOString(),
    acknowledged: proxy.acknowledgedRevision,
    state: rejected
      ? "rejected"
      : !behind
        ? "synced"
        : now - since > STALE_AFTER
          ? "stale"
          : "pending",
    types,
  };
}
