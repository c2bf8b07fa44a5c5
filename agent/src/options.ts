/** The agent's options: from the command line and the environment to one checked value. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { z } from "zod";
import { defaultOptions, type InjectionOptions } from "@heddle/injection";
import { ofRevision } from "@heddle/kube";
import { durationOf } from "@heddle/model";
import { LEAF_LIFETIME_BOUNDS } from "@heddle/pki";
import { TIME_TO_LIVE } from "@heddle/sync";
import { AgentError } from "./agent-error.ts";
import { type AllowedHosts, parseAllowed, type RefreshTimes } from "./jwks/index.ts";
import type { RateLimitAgents } from "./ratelimit/index.ts";
import type { KubernetesOptions } from "./kubernetes/access.ts";
import type { OwnPod } from "./kubernetes/cluster.ts";
import type { MachineSettings } from "./machines/index.ts";

export interface AgentOptions {
  /** Where configuration and identity come from; undefined: standalone. */
  readonly plane:
    | { readonly url: string; readonly token: string; readonly mesh: string | undefined }
    | undefined;
  readonly name: string;
  /** A folder of Kubernetes and mesh resources, watched. */
  readonly configDir: string | undefined;
  /** The cluster whose objects are followed; undefined: none. */
  readonly kubernetes: KubernetesOptions | undefined;
  /** The agent's own pod, from `POD_NAME` and `POD_NAMESPACE`; undefined: it runs in none, and writes nothing to a cluster. */
  readonly pod: OwnPod | undefined;
  /** Installations of several revisions live side by side. */
  readonly revision: string;
  /** What injected proxies and the pods of Gateways are made of. */
  readonly injection: InjectionOptions;
  readonly stateDir: string;
  /** `host:port`; undefined: xDS is not served. */
  readonly xdsAddress: string | undefined;
  /** xDS and all beside it over TLS, for callers that prove who they are; undefined: off. */
  readonly xdsTls: TlsPortOptions | undefined;
  readonly machines: MachineSettings;
  /** Metrics, health and debugging; undefined: off. */
  readonly metricsAddress: string | undefined;
  /** Injection and validation; undefined: off. */
  readonly webhookAddress: string | undefined;
  /** OTLP in the clear; undefined: off. */
  readonly otlpAddress: string | undefined;
  /** OTLP of pods that prove who they are, `host:port`; undefined: off. */
  readonly otlpTlsAddress: string | undefined;
  /** Milliseconds between scrapes of a proxy. */
  readonly scrapeInterval: number | undefined;
  readonly roles: readonly ("control" | "telemetry")[];
  /** Who signs workload certificates: the agent with an intermediate of the plane, or the plane each one. */
  readonly certificates: {
    readonly issuer: "agent" | "plane";
    /** Milliseconds. */
    readonly lifetime: number;
  };
  /** Trust domain and settings of a mesh without a plane. */
  readonly standalone: { readonly trustDomain: string; readonly rootNamespace: string };
  /** The key of hashes that Redactions ask for; undefined: what the mesh is called, which is no secret. */
  readonly redactionKey: string | undefined;
  readonly clusterId: string;
  /** The network of workloads that do not say theirs; undefined: unknown. */
  readonly network: string | undefined;
  /** Milliseconds that other clusters keep this one's endpoints when the agent is gone. */
  readonly endpointsTtl: number;
  readonly jwks: {
    /** Where keys of issuers may be fetched from though the addresses are internal ones. */
    readonly allowed: AllowedHosts;
    /** No flag of the command line: for tests, which do not wait for minutes. */
    readonly refresh?: RefreshTimes;
  };
  /** When bundle endpoints are asked again. No flag of the command line: for tests. */
  readonly federationRefresh?: RefreshTimes;
  /** Agents that count global rate limits together; undefined: this one counts alone. */
  readonly rateLimitAgents: RateLimitAgents | undefined;
}

export interface TlsPortOptions {
  /** `host:port` */
  readonly address: string;
  /** Of the agent's Service, which is called as its account is. */
  readonly namespace: string;
  readonly service: string;
  /** Further DNS names under which proxies know the agent. */
  readonly names: readonly string[];
}

/** A workload certificate's lifetime where nobody asked for another. */
const LEAF_LIFETIME = "24h";

/** A machine that has been gone for longer is no endpoint. */
const MOST_GRACE = 24 * 3_600_000;

/** Where the TLS port is in a pod. */
const IN_A_CLUSTER = "0.0.0.0:15012";
/** Where OTLP by TLS is beside it. */
const OTLP_TLS_PORT = 15013;
/** What an installation is called that names nothing else. */
const NAMESPACE = "heddle-system";
const SERVICE = "heddle-agent";

const flagsSchema = z.object({
  plane: z.string().optional(),
  token: z.string().optional(),
  tokenFile: z.string().min(1).optional(),
  mesh: z.string().optional(),
  name: z.string().optional(),
  standalone: z.boolean().optional(),
  config: z.string().optional(),
  kubernetes: z.boolean().optional(),
  kubeconfig: z.string().min(1).optional(),
  context: z.string().min(1).optional(),
  revision: z.string().min(1).default("default"),
  state: z.string().default(".heddle/agent"),
  xds: z.string().optional(),
  xdsTls: z.string().optional(),
  xdsName: z.array(z.string().min(1)).default([]),
  vmGrace: z.string().default("10s"),
  // No flag of the command line: for tests, in which all of a mesh is on one host.
  vmLoopback: z.boolean().default(false),
  metrics: z.string().default("127.0.0.1:15014"),
  webhook: z.string().default("off"),
  otlp: z.string().default("127.0.0.1:4317"),
  otlpTls: z.string().optional(),
  scrapeInterval: z.number().positive().optional(),
  roles: z
    .string()
    .default("control,telemetry")
    .transform((text) => text.split(",").map((role) => role.trim()))
    .pipe(z.array(z.enum(["control", "telemetry"])).min(1)),
  certificateLifetime: z.string().optional(),
  certificateIssuer: z.enum(["agent", "plane"]).optional(),
  trustDomain: z.string().default("cluster.local"),
  rootNamespace: z.string().default("istio-system"),
  clusterId: z.string().default(""),
  network: z.string().min(1).optional(),
  endpointsTtl: z.string().default("60s"),
  jwksAllow: z.string().default(""),
  rateLimitAgents: z.string().optional(),
  rateLimitSelf: z.string().optional(),
});

/**
 * Reads what the command line gave, in commander's camel case; `HEDDLE_URL`, `HEDDLE_TOKEN`, `HEDDLE_MESH`,
 * `HEDDLE_CERTIFICATE_LIFETIME` and `HEDDLE_CERTIFICATE_ISSUER` (`agent` or `plane`) stand in for what it did not. What is a secret
 * has no flag: `HEDDLE_REDACTION_KEY`.
 * Throws `HDL7201` to `HDL7203`, `HDL7215`, `HDL7216`, `HDL7256` and `HDL9113` for what does not make sense.
 */
export function parseAgentOptions(
  flags: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>> = {},
): AgentOptions {
  const parsed = flagsSchema.safeParse({
    ...flags,
    certificateIssuer:
      flags["certificateIssuer"] ?? (env["HEDDLE_CERTIFICATE_ISSUER"] || undefined),
  });
  if (!parsed.success) throw badFlag(parsed.error);
  const given = parsed.data;
  const metrics = given.metrics === "off" ? undefined : given.metrics;
  const webhook = given.webhook === "off" ? undefined : given.webhook;
  const otlp = given.otlp === "off" ? undefined : given.otlp;
  for (const address of [given.xds, metrics, otlp, webhook]) if (address) parseAddress(address);
  const kubernetes = kubernetesOf(given);
  const xdsTls = tlsPortOf(given, podOf(env), kubernetes !== undefined);
  return {
    plane: given.standalone ? undefined : planeOf(given, env),
    // Replicas are one agent, and pods come and go.
    name: given.name ?? (podOf(env) && given.clusterId !== "" ? given.clusterId : hostname()),
    configDir: given.config && path.resolve(given.config),
    kubernetes,
    pod: podOf(env),
    revision: given.revision,
    injection: {
      ...defaultOptions,
      ...{ revision: given.revision, isDefault: given.revision === defaultOptions.revision },
      clusterId: given.clusterId || defaultOptions.clusterId,
    },
    stateDir: path.resolve(given.state),
    xdsAddress: given.xds,
    xdsTls,
    machines: { grace: graceOf(given.vmGrace), loopback: given.vmLoopback },
    metricsAddress: metrics,
    webhookAddress: webhook,
    otlpAddress: otlp,
    otlpTlsAddress: otlpTlsOf(given, xdsTls),
    scrapeInterval: given.scrapeInterval === undefined ? undefined : given.scrapeInterval * 1000,
    roles: given.roles,
    certificates: {
      issuer: issuerOf(given),
      lifetime: lifetimeOf(
        given.certificateLifetime ?? (env["HEDDLE_CERTIFICATE_LIFETIME"] || LEAF_LIFETIME),
      ),
    },
    standalone: { trustDomain: given.trustDomain, rootNamespace: given.rootNamespace },
    redactionKey: env["HEDDLE_REDACTION_KEY"] || undefined,
    clusterId: given.clusterId,
    network: given.network,
    endpointsTtl: timeToLiveOf(given.endpointsTtl),
    jwks: { allowed: allowedOf(given.jwksAllow) },
    rateLimitAgents: rateLimitAgentsOf(given),
  };
}

/** The first flag that is wrong, as it is written on the command line. */
function badFlag(error: z.ZodError): AgentError {
  const [issue] = error.issues;
  const name = String(issue?.path[0] ?? "").replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
  return new AgentError("HDL7215", `--${name}: ${issue?.message ?? "not valid"}.`, error);
}

function planeOf(
  given: z.infer<typeof flagsSchema>,
  env: Readonly<Record<string, string | undefined>>,
): AgentOptions["plane"] {
  const url = given.plane ?? env["HEDDLE_URL"];
  const token = given.token ?? tokenIn(given.tokenFile) ?? env["HEDDLE_TOKEN"];
  if (!url || !token)
    throw new AgentError(
      "HDL7201",
      `There is no ${url ? "token" : "plane"} to get configuration from.`,
    );
  return { url: url.replace(/\/+$/, ""), token, mesh: given.mesh ?? env["HEDDLE_MESH"] };
}

/** Throws `HDL7201` for a file that cannot be read or holds nothing. */
function tokenIn(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const token = readFileSync(file, "utf8").trim();
    if (token !== "") return token;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new AgentError("HDL7201", `The token in ${file} cannot be read: ${why}.`, error);
  }
  throw new AgentError("HDL7201", `There is no token in ${file}.`);
}

function podOf({
  POD_NAME: name,
  POD_NAMESPACE: namespace,
}: Readonly<Record<string, string | undefined>>): OwnPod | undefined {
  return name && namespace ? { name, namespace } : undefined;
}

/** A kubeconfig or a context says that there is a cluster to follow. */
function kubernetesOf({
  kubernetes,
  kubeconfig,
  context,
}: z.infer<typeof flagsSchema>): KubernetesOptions | undefined {
  if (!kubernetes && kubeconfig === undefined && context === undefined) return undefined;
  return { kubeconfig: kubeconfig && path.resolve(kubeconfig), context };
}

/**
 * In a pod that follows its cluster it is open unless somebody says `off`. Throws `HDL7203`, and `HDL7256` where there is no
 * cluster to check tokens with.
 */
function tlsPortOf(
  { xdsTls, xdsName, revision }: z.infer<typeof flagsSchema>,
  pod: AgentOptions["pod"],
  hasCluster: boolean,
): TlsPortOptions | undefined {
  const address = xdsTls ?? (hasCluster && pod !== undefined ? IN_A_CLUSTER : "off");
  if (address === "off") return undefined;
  parseAddress(address);
  if (!hasCluster)
    throw new AgentError("HDL7256", "There is no cluster whose pods' tokens could be checked.");
  const service = ofRevision(SERVICE, revision);
  return { address, service, namespace: pod?.namespace ?? NAMESPACE, names: xdsName };
}

/** Beside the TLS port of xDS, whose certificate it shows, unless somebody says `off`. Throws `HDL7203`, and `HDL7256` without that one. */
function otlpTlsOf(
  { otlpTls, roles }: z.infer<typeof flagsSchema>,
  xdsTls: TlsPortOptions | undefined,
): string | undefined {
  if (otlpTls === "off" || !roles.includes("telemetry")) return undefined;
  if (otlpTls !== undefined) {
    parseAddress(otlpTls);
    if (xdsTls) return otlpTls;
    throw new AgentError(
      "HDL7256",
      "--otlp-tls takes what --xds-tls knows pods by, and that one is off.",
    );
  }
  const { port } = xdsTls ? parseAddress(xdsTls.address) : { port: undefined };
  return xdsTls?.address.replace(/\d+$/, String(port === 0 ? 0 : OTLP_TLS_PORT));
}

/** Throws `HDL7203` and, for a list that this agent is not in, `HDL7216`. */
function rateLimitAgentsOf({
  rateLimitAgents,
  rateLimitSelf,
  xds,
}: z.infer<typeof flagsSchema>): RateLimitAgents | undefined {
  if (rateLimitAgents === undefined) return undefined;
  const all = rateLimitAgents.split(",").map((agent) => agent.trim());
  for (const agent of all) parseAddress(agent);
  const self = rateLimitSelf ?? xds;
  if (self === undefined || !all.includes(self)) {
    throw new AgentError(
      "HDL7216",
      `Of the agents that count rate limits together (${all.join(", ")}), none is this one (${self ?? "it serves no xDS"}).`,
    );
  }
  return { all, self };
}

/** Throws `HDL7202`: nobody would sign for another one. */
function lifetimeOf(text: string): number {
  const milliseconds = durationOf(text) ?? 0;
  const { min, max } = LEAF_LIFETIME_BOUNDS;
  if (milliseconds < min || milliseconds > max)
    throw new AgentError(
      "HDL7202",
      `${JSON.stringify(text)} is no certificate lifetime between ${min / 1000} s and ${max / 3_600_000} h.`,
    );
  return milliseconds;
}

/** Throws `HDL9113` where the plane is to sign, and there is none. */
function issuerOf(given: z.infer<typeof flagsSchema>): AgentOptions["certificates"]["issuer"] {
  if (given.standalone && given.certificateIssuer === "plane")
    throw new AgentError(
      "HDL9113",
      "With --standalone there is no plane that could sign certificates.",
    );
  return given.certificateIssuer ?? "agent";
}

/** Throws `HDL7215`. */
function graceOf(text: string): number {
  const milliseconds = durationOf(text);
  if (milliseconds !== undefined && milliseconds >= 0 && milliseconds <= MOST_GRACE)
    return milliseconds;
  throw new AgentError(
    "HDL7215",
    `--vm-grace: ${JSON.stringify(text)} is no time up to ${MOST_GRACE / 3_600_000} h.`,
  );
}

/** Throws `HDL7215`. */
function timeToLiveOf(text: string): number {
  const milliseconds = durationOf(text) ?? 0;
  const { least, most } = TIME_TO_LIVE;
  if (milliseconds < least || milliseconds > most)
    throw new AgentError(
      "HDL7215",
      `--endpoints-ttl: ${JSON.stringify(text)} is no time between ${least / 1000} s and ${most / 3_600_000} h.`,
    );
  return milliseconds;
}

/** Throws `HDL7215`. */
function allowedOf(text: string): AllowedHosts {
  const entries = text.split(",").map((entry) => entry.trim());
  try {
    return parseAllowed(entries.filter((entry) => entry !== ""));
  } catch (error) {
    throw new AgentError("HDL7215", `--jwks-allow: ${(error as Error).message}.`, error);
  }
}

/** Parts of `host:port`, an IPv6 host in brackets. Throws `HDL7203`. */
export function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (!host || port > 65_535)
    throw new AgentError("HDL7203", `${JSON.stringify(address)} is not an address to listen on.`);
  return { host, port };
}
