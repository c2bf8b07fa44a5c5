/** One real Envoy that judges requests and connections by many policies: each by rules of its own, chosen by a header or a port. */
import { encode } from "@heddle/envoy";
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import type { FilterChain, Listener } from "@heddle/envoy/config/listener/v3";
import type { RBAC } from "@heddle/envoy/config/rbac/v3";
import type { Route } from "@heddle/envoy/config/route/v3";
import { extension, typedConfig } from "@heddle/translate";
import { connect as connectPlainly, type Socket } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { createAuthority, type Leaf } from "../../harness/certificates.ts";
import { startEnvoy } from "../../harness/envoy-process.ts";
import { ask } from "../../harness/request.ts";
import type { AnyFilter, Verdict } from "./evaluate.ts";
import type { Question } from "./question.ts";

const CASE = "x-case";
/** Carry what other filters would have found out. */
const METADATA = {
  "x-token": { namespace: "envoy.filters.http.jwt_authn", key: "payload" },
  "x-kind": { namespace: "envoy.filters.http.lua", key: "kind" },
} as const;

export interface RealEnvoyOptions {
  /** Of whom requests and connections come. */
  readonly identities: readonly string[];
  /** On loopback; requests are taken at each of them. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  /** Filters of each case, for requests and for connections. */
  readonly http: readonly (readonly AnyFilter[])[];
  readonly tcp: readonly (readonly AnyFilter[])[];
  /** Connections of a case are taken at this port and those after it, at the first address. */
  readonly firstPort: number;
}

export interface RealEnvoy {
  /** Without what filters have left where it is denied; undefined where Envoy takes the request for none at all. */
  request(index: number, question: Question): Promise<Verdict | undefined>;
  connection(index: number, question: Question): Promise<boolean>;
  stop(): Promise<void>;
}

export async function startRealEnvoy(options: RealEnvoyOptions): Promise<RealEnvoy> {
  const authority = await createAuthority();
  const server = await authority.issue("server.test");
  const clients = new Map<string, Leaf>();
  for (const identity of options.identities) clients.set(identity, await authority.issue(identity));
  const envoy = await startEnvoy(bootstrapOf(options, server, authority.certificate));

  /** In TLS where there is a certificate, or a name is asked for. */
  const securing = ({ certificate, serverName }: Question) => {
    if (!certificate && serverName === "") return undefined;
    const leaf = certificate && clients.get((certificate.uris[0] ?? certificate.names[0])!);
    return {
      rejectUnauthorized: false,
      ...(serverName === "" ? {} : { servername: serverName }),
      ...(leaf ? { cert: leaf.chain, key: leaf.key } : {}),
    };
  };

  return {
    async request(index, question) {
      const { headers, metadata, remoteAddress, directRemoteAddress } = question;
      const { ":method": method, ":path": path, ":authority": host, ...rest } = headers;
      const tls = securing(question);
      const told = Object.entries(METADATA).flatMap(([header, { namespace, key }]) => {
        const value = metadata[namespace]?.[key];
        return value === undefined ? [] : [[header, protobufValue(value)]];
      });
      const answer = await ask(question.localAddress, question.localPort, host!, path!, {
        method: method!,
        localAddress: directRemoteAddress,
        headers: {
          ...rest,
          ...Object.fromEntries(told),
          [CASE]: String(index),
          ...(remoteAddress === directRemoteAddress ? {} : { "x-forwarded-for": remoteAddress }),
        },
        ...(tls ? { secure: true, servername: "", ...tls } : {}),
      });
      if (answer.status !== 200 && answer.status !== 403) return undefined;
      const [details = "", left = "", audited = ""] = answer.headers["x-verdict"]!.split(";");
      const shadows = Object.entries(parsed(left)).filter(([key]) =>
        key.startsWith("istio_dry_run_"),
      );
      const [, deniedBy] = /matched_policy\[(.*)\]$/.exec(details) ?? [];
      const allowed = answer.status === 200;
      return {
        allowed,
        ...(deniedBy === undefined ? {} : { deniedBy }),
        asked: [],
        left: allowed
          ? {
              ...Object.fromEntries(shadows),
              ...(audited === "" ? {} : { access_log_hint: audited }),
            }
          : {},
      };
    },
    connection(index, question) {
      const tls = securing(question);
      const to = {
        host: options.addresses[0]!,
        port: options.firstPort + index,
        localAddress: question.directRemoteAddress,
      };
      return new Promise((resolve, reject) => {
        const socket: Socket = tls ? connectSecurely({ ...to, ...tls }) : connectPlainly(to);
        socket.once(tls ? "secureConnect" : "connect", () => void socket.write("hello"));
        socket.once("data", () => (resolve(true), socket.destroy()));
        socket.once("close", () => resolve(false));
        socket.once("error", (error: NodeJS.ErrnoException) =>
          error.code === "ECONNRESET" ? resolve(false) : reject(error),
        );
      });
    },
    stop: () => envoy.stop(),
  };
}

/** Empty where a filter has left nothing. */
function parsed(left: string): Record<string, string> {
  return left === "" ? {} : (JSON.parse(left) as Record<string, string>);
}

function protobufValue(value: unknown): string {
  return Buffer.from(encode("google.protobuf.Value", value as object)).toString("base64");
}

function bootstrapOf(options: RealEnvoyOptions, server: Leaf, roots: string): Bootstrap {
  const { addresses, ports, http, tcp, firstPort } = options;
  const [first = ""] = addresses;
  const requests = chains([managerOf(http)], server, roots);
  const listener = (address: string, portValue: number, filterChains: FilterChain[]): Listener => ({
    name: `${address}_${portValue}`,
    address: { socketAddress: { address, portValue } },
    listenerFilters: [
      extension(
        "envoy.filters.listener.tls_inspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        {},
      ),
    ],
    filterChains,
  });
  const echo = extension(
    "envoy.filters.network.echo",
    "envoy.extensions.filters.network.echo.v3.Echo",
    {},
  );
  return {
    admin: { address: { socketAddress: { address: first, portValue: 15000 } } },
    staticResources: {
      listeners: [
        ...addresses.flatMap((address) => ports.map((port) => listener(address, port, requests))),
        ...tcp.map((filters, index) =>
          listener(first, firstPort + index, chains([...filters, echo], server, roots)),
        ),
      ],
    },
  };
}

/** For TLS, in which a client may show who it is, and for the clear. */
function chains(filters: readonly AnyFilter[], { chain, key }: Leaf, roots: string): FilterChain[] {
  const own = filters as NonNullable<FilterChain["filters"]>;
  return [
    {
      filterChainMatch: { transportProtocol: "tls" },
      transportSocket: extension(
        "envoy.transport_sockets.tls",
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        {
          commonTlsContext: {
            tlsCertificates: [
              { certificateChain: { inlineString: chain }, privateKey: { inlineString: key } },
            ],
            validationContext: { trustedCa: { inlineString: roots } },
          },
        },
      ),
      filters: own,
    },
    { filters: own },
  ];
}

/** Actions in the order of their filters, and where each leaves what its shadow rules say: Envoy reads that of the filter alone. */
const SLOTS = {
  LOG: "",
  DENY: "istio_dry_run_deny_",
  ALLOW: "istio_dry_run_allow_",
} as const;

function slotOf({ typedConfig = {} }: AnyFilter): string {
  const { rules, shadowRules } = typedConfig as { rules?: RBAC; shadowRules?: RBAC };
  return (rules ?? shadowRules)?.action ?? "ALLOW";
}

/** A filter for each action, which is nothing by itself: a case's route brings its rules. */
function managerOf(cases: readonly (readonly AnyFilter[])[]): AnyFilter {
  const type = "envoy.extensions.filters.http.rbac.v3.RBAC";
  const routes = cases.map((filters, index): Route => ({
    match: {
      prefix: "/",
      headers: [{ name: CASE, stringMatch: { exact: String(index) } }],
    },
    directResponse: { status: 200 },
    typedPerFilterConfig: Object.fromEntries(
      filters.map((filter) => {
        const { "@type": _, ...rbac } = filter.typedConfig ?? {};
        const own = typedConfig("envoy.extensions.filters.http.rbac.v3.RBACPerRoute", { rbac });
        return [slotOf(filter), own];
      }),
    ),
  }));
  const rule = ([header, { namespace, key }]: [string, { namespace: string; key: string }]) => ({
    header,
    onHeaderPresent: {
      ...{ metadataNamespace: namespace, key },
      ...{ type: "PROTOBUF_VALUE", encode: "BASE64" },
    },
    remove: true,
  });
  return extension(
    "envoy.filters.network.http_connection_manager",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    {
      statPrefix: "oracle",
      routeConfig: { virtualHosts: [{ name: "all", domains: ["*"], routes }] },
      httpFilters: [
        extension("metadata", "envoy.extensions.filters.http.header_to_metadata.v3.Config", {
          requestRules: Object.entries(METADATA).map(rule),
        }),
        ...Object.entries(SLOTS).map(([name, shadowRulesStatPrefix]) =>
          extension(name, type, { shadowRulesStatPrefix }),
        ),
        extension(
          "envoy.filters.http.router",
          "envoy.extensions.filters.http.router.v3.Router",
          {},
        ),
      ],
      // What Envoy says of its own answers, those that routes give among them.
      localReplyConfig: {
        mappers: [
          {
            filter: {
              statusCodeFilter: {
                comparison: { op: "GE", value: { defaultValue: 200, runtimeKey: "none" } },
              },
            },
            headersToAdd: [
              {
                header: {
                  key: "x-verdict",
                  value:
                    "%RESPONSE_CODE_DETAILS%;%DYNAMIC_METADATA(envoy.filters.http.rbac)%;%DYNAMIC_METADATA(envoy.common:access_log_hint)%",
                },
              },
            ],
          },
        ],
      },
    },
  );
}
