/** What the plane is told of the proxies: how many hold the newest revision, and each one's status. */
import {
  type AgentFrame,
  MAX_CULPRITS,
  MAX_LAGGARDS,
  MAX_REASON_CHARACTERS,
  MAX_REFUSALS,
  MAX_REJECTIONS,
  type ProxyReport,
  type ProxyTrust,
  type Rejection,
} from "@heddle/sync";
import type { BlamedRefusal } from "../refusal/refusals.ts";
import type { ProxyStatus, ResourceType } from "../xds/index.ts";

/** Names of resource types as users know them. */
export const TYPE_NAMES: Readonly<Record<ResourceType, string>> = {
  cluster: "CDS",
  endpoint: "EDS",
  listener: "LDS",
  route: "RDS",
  extension: "ECDS",
  secret: "SDS",
  virtualHost: "VHDS",
};

/** A proxy that has not acknowledged a revision for so long is stale, milliseconds. */
const STALE_AFTER = 30_000;

type RefusalsOf = (proxy: ProxyStatus) => readonly BlamedRefusal[];

/**
 * How far the proxies are with a revision; one that refuses something is not there. `missing` names those that are expected
 * and not connected: they are late.
 */
export function acknowledgement(
  number: number,
  proxies: readonly ProxyStatus[],
  refusalsOf: RefusalsOf,
  missing: readonly string[] = [],
): Extract<AgentFrame, { type: "ack" }> {
  const late = proxies.filter(
    (proxy) => proxy.acknowledgedRevision < number || refusalsOf(proxy).length > 0,
  );
  const rejections = late.flatMap((proxy) => refusalsOf(proxy).map(rejectionOf));
  return {
    type: "ack",
    number,
    proxies: proxies.length + missing.length,
    acknowledged: proxies.length - late.length,
    laggards: [...late.map(({ name }) => name), ...missing].slice(0, MAX_LAGGARDS),
    rejections: rejections.slice(0, MAX_REJECTIONS),
  };
}

function rejectionOf({ proxy, type, resource, reason, objects }: BlamedRefusal): Rejection {
  const [culprit] = objects;
  return {
    proxy,
    type: TYPE_NAMES[type],
    resource: resource.slice(0, MAX_NAME_CHARACTERS),
    reason: reason.slice(0, MAX_REASON_CHARACTERS),
    ...(culprit === undefined ? {} : { culprit }),
  };
}

/** One proxy for the plane's list. `since`: when the newest revision was put in force, milliseconds since 1970. */
export function proxyReport(
  proxy: ProxyStatus,
  refusals: readonly BlamedRefusal[],
  { revision, since, now }: { revision: number; since: number; now: number },
  trust?: ProxyTrust,
): ProxyReport {
  const types = Object.fromEntries(
    Object.entries(proxy.types).map(([type, status]) => {
      const refused = refusals.filter((each) => each.type === type);
      const [first] = refused;
      const error = first?.reason ?? status.error;
      return [
        TYPE_NAMES[type as ResourceType],
        {
          version: status.acknowledgedVersion,
          ...(status.acknowledgedAt > 0
            ? { acknowledgedAt: new Date(status.acknowledgedAt).toISOString() }
            : {}),
          resources: status.resources,
          ...(error === undefined ? {} : { error: error.slice(0, MAX_REASON_CHARACTERS) }),
          ...(first === undefined
            ? {}
            : {
                culprit: (first.objects[0] ?? first.resource).slice(0, MAX_NAME_CHARACTERS),
                refusals: refused.slice(0, MAX_REFUSALS).map(refusalOf),
              }),
        },
      ];
    }),
  );
  const behind = proxy.acknowledgedRevision < revision;
  const rejected =
    refusals.length > 0 || Object.values(proxy.types).some((status) => status.error !== undefined);
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
    ...(trust ? { trust } : {}),
  };
}

function refusalOf({ resource, reason, objects, held }: BlamedRefusal) {
  return {
    resource: resource.slice(0, MAX_NAME_CHARACTERS),
    reason: reason.slice(0, MAX_REASON_CHARACTERS),
    objects: objects.slice(0, MAX_CULPRITS),
    held,
  };
}

/** As long as a name may be in a frame. */
const MAX_NAME_CHARACTERS = 1024;
