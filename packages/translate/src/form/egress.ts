/** What a Sidecar lets its workloads reach, in the intermediate form. */
import {
  hostMatches,
  type IstioEgressListener,
  type MeshObject,
  protocolNamed,
  resolveHost,
  type Sidecar,
} from "@heddle/model";
import type { MeshSettings } from "../mesh-settings.ts";
import { derivation } from "../read.ts";
import type { Destination } from "./rule-set.ts";

export interface Egress {
  /** The first that has a port decides for it; without any, everything may be reached. */
  readonly listeners: readonly EgressListener[];
  readonly unknownHosts: UnknownHosts;
}

/** What becomes of traffic to hosts that the client does not know. */
export interface UnknownHosts {
  readonly policy: MeshSettings["outboundTrafficPolicy"];
  /** Where it is sent to, in place of where it was going. */
  readonly proxy?: Destination;
}

export interface EgressListener {
  /** Undefined: every port that no other listener has. */
  readonly port: number | undefined;
  /** Where the application connects to; undefined where its traffic is intercepted. */
  readonly bound: { readonly address: string; readonly http: boolean } | undefined;
  readonly hosts: readonly HostPattern[];
}

export interface HostPattern {
  /** `*` for any. */
  readonly namespace: string;
  /** `*` for any; else a full name, of which the first label may be a wildcard. */
  readonly host: string;
}

/** By the key of the Sidecar; undefined while there is none. */
export const egress = derivation<string, Egress | undefined>(
  "form/egress",
  (key) => key,
  (read, key) => {
    const sidecar: MeshObject<Sidecar> | undefined = read.object(key);
    return sidecar && egressOf(sidecar, read.mesh);
  },
);

function egressOf(
  { metadata, spec }: MeshObject<Sidecar>,
  mesh: Pick<MeshSettings, "clusterDomain" | "outboundTrafficPolicy">,
): Egress {
  const { namespace } = metadata;
  const { outboundTrafficPolicy: asked } = spec;
  const proxy = asked?.egressProxy;
  return {
    listeners: (spec.egress ?? []).map((each) => listenerOf(each, namespace, mesh.clusterDomain)),
    unknownHosts:
      asked === undefined
        ? { policy: mesh.outboundTrafficPolicy }
        : {
            policy: asked.mode ?? "REGISTRY_ONLY",
            ...(proxy === undefined
              ? {}
              : { proxy: destinationOf(proxy, namespace, mesh.clusterDomain) }),
          },
  };
}

function listenerOf(
  { port, bind, captureMode, hosts }: IstioEgressListener,
  namespace: string,
  clusterDomain: string,
): EgressListener {
  const intercepted = captureMode === "NONE" ? false : !bind || captureMode === "IPTABLES";
  const protocol = protocolNamed(port?.protocol ?? "");
  return {
    port: port?.number,
    bound:
      port === undefined || intercepted
        ? undefined
        : {
            address: bind || "127.0.0.1",
            http: protocol === "HTTP" || protocol === "HTTP2" || protocol === "GRPC",
          },
    hosts: hosts.flatMap((text) => patternOf(text, namespace, clusterDomain)),
  };
}

/** `namespace/host`; `.` is the Sidecar's own namespace, and of `~` there are no hosts. */
function patternOf(text: string, own: string, clusterDomain: string): readonly HostPattern[] {
  const slash = text.indexOf("/");
  const [namespace, host] = slash < 0 ? ["*", text] : [text.slice(0, slash), text.slice(slash + 1)];
  if (namespace === "~") return [];
  const named = namespace === "." ? own : namespace;
  const full = host === "*" ? host : resolveHost(host, named === "*" ? own : named, clusterDomain);
  return [{ namespace: named, host: full.toLowerCase() }];
}

function destinationOf(
  { host, port, subset }: NonNullable<NonNullable<Sidecar["outboundTrafficPolicy"]>["egressProxy"]>,
  namespace: string,
  clusterDomain: string,
): Destination {
  return {
    host: resolveHost(host, namespace, clusterDomain),
    ...(port?.number ? { port: port.number } : {}),
    ...(subset ? { subset } : {}),
  };
}

/** Which listener is for a port; undefined where none is. */
export function listenerForPort({ listeners }: Egress, port: number): number | undefined {
  const own = listeners.findIndex((each) => each.port === port && each.bound === undefined);
  const index = own < 0 ? listeners.findIndex((each) => each.port === undefined) : own;
  return index < 0 ? undefined : index;
}

/** Whether a listener leads to a host, or takes rules for it, of a namespace. */
export function lists(
  { hosts }: Pick<EgressListener, "hosts">,
  namespace: string,
  host: string,
): boolean {
  return hosts.some(
    (pattern) =>
      (pattern.namespace === "*" || pattern.namespace === namespace) &&
      (pattern.host === "*" || hostMatches(pattern.host, host)),
  );
}
