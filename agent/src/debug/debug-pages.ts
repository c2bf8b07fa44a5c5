/** What `/debug/*` shows of an agent: what each proxy should hold, who is connected, the link, what is wrong. */
import { X509Certificate } from "node:crypto";
import type { Diagnostic } from "@heddle/model";
import type { RecordedChange } from "@heddle/translate";
import type { WorkloadCertificate } from "../identity/certificates.ts";
import { type LiveProxies, nameOf } from "../live-proxies.ts";
import type { ProxyStatus, ResourceType } from "../xds/index.ts";

export interface DebugSources {
  readonly proxies: LiveProxies;
  status(): readonly ProxyStatus[];
  diagnostics(): readonly Diagnostic[];
  /** The session with the plane; undefined when standalone. */
  link(): unknown;
  /** What is shared with the other clusters of the mesh, and what they share. */
  clusters(): unknown;
  certificates(): readonly WorkloadCertificate[];
  /** What the last changes of the model made the engine compute, and why. */
  changes(): readonly RecordedChange[];
  objects(): Iterable<readonly [key: string, owner: string, object: unknown]>;
}

interface Page {
  readonly status: number;
  readonly body: unknown;
}

const TYPES: Readonly<Record<string, ResourceType>> = {
  clusters: "cluster",
  endpoints: "endpoint",
  listeners: "listener",
  routes: "route",
};

/** The page at a path. Nothing here holds a private key. */
export function debugPage(url: URL, sources: DebugSources): Page {
  switch (url.pathname) {
    case "/debug/config":
      return config(url.searchParams.get("proxy") ?? "", sources);
    case "/debug/proxy":
      return about(url.searchParams.get("proxy") ?? "", sources);
    case "/debug/proxies":
      return { status: 200, body: { items: sources.status() } };
    case "/debug/diagnostics":
      return { status: 200, body: { items: sources.diagnostics() } };
    case "/debug/sync":
      return { status: 200, body: sources.link() ?? null };
    case "/debug/clusters":
      return { status: 200, body: sources.clusters() ?? null };
    case "/debug/certificates":
      return { status: 200, body: { items: sources.certificates().map(describe) } };
    case "/debug/graph":
      return { status: 200, body: { items: sources.changes() } };
    case "/debug/objects":
      return {
        status: 200,
        body: { items: [...sources.objects()].map(([key, owner]) => ({ key, owner })) },
      };
    default:
      return {
        status: 404,
        body: {
          pages: [
            ...["config?proxy=", "proxy?proxy=", "proxies", "diagnostics", "sync"],
            ...["clusters", "certificates", "graph", "objects"],
          ].map((name) => `/debug/${name}`),
        },
      };
  }
}

/** What a proxy is, and the host that its side ports (admin, statistics, health) are on as far as it says. */
function about(name: string, sources: DebugSources): Page {
  const proxy = sources.proxies.find(name);
  if (!proxy) return noProxy(sources);
  const { id, type, addresses, statsAddress } = proxy.description;
  const host = statsAddress?.replace(/:\d+$/, "") ?? addresses[0] ?? "";
  return { status: 200, body: { name: nameOf(proxy.description), id, type, addresses, host } };
}

function noProxy({ proxies }: DebugSources): Page {
  const names = proxies.all().map(({ description }) => nameOf(description));
  return { status: 404, body: { proxies: names.toSorted() } };
}

function config(name: string, sources: DebugSources): Page {
  const proxy = sources.proxies.find(name);
  if (!proxy) return noProxy(sources);
  const { view } = proxy;
  const values = Object.entries(TYPES).map(([plural, type]) => [
    plural,
    [...view.resources(type).entries()]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([, value]) => value),
  ]);
  const secrets = view.secrets().map((secret) => ({ name: secret }));
  return { status: 200, body: { ...Object.fromEntries(values), secrets } };
}

function describe({ spiffeId, workloadName, chain, issuedAt, notAfter }: WorkloadCertificate) {
  return {
    ...{ spiffeId, workloadName },
    serialNumber: new X509Certificate(chain).serialNumber,
    issuedAt: new Date(issuedAt).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
  };
}
