/** Hosts that no service has and rules of the mesh speak for, and the ports that they do so on. */
import {
  hostMatches,
  isHttp,
  isWildcard,
  type ServiceModel,
  virtualServiceHosts,
} from "@heddle/model";
import { derivation, type ModelReader } from "../read.ts";
import { patternsOf } from "../store/host-patterns.ts";
import { HOST_PARTS } from "../store/services.ts";

export interface UnservedHost {
  /** Or a wildcard that covers no service's host. */
  readonly host: string;
  /** Sorted. */
  readonly ports: readonly number[];
}

/** Where requests for a host outside of the mesh go unless they say otherwise. */
const HTTP_PORT = 80;

/**
 * Of one of the parts that all hosts are divided into. As in Istio a rule speaks for such a host on port 80, and where
 * services are that the rule names beside it; here also where a wildcard's service is that covers the host.
 */
export const unservedHosts = derivation<number, readonly UnservedHost[]>(
  "form/unserved-hosts",
  String,
  (read, part) =>
    read
      .ruledHosts(part)
      // Requests for hosts that nobody knows go where the client's policy sends them, rule or not.
      .filter((host) => host !== "*" && !isServed(read, host))
      .map((host) => ({ host, ports: portsOf(read, host) })),
);

function isServed(read: ModelReader, host: string): boolean {
  return isWildcard(host) ? read.get(hostsUnder, host).length > 0 : read.variants(host).length > 0;
}

function portsOf(read: ModelReader, host: string): readonly number[] {
  const beside = read
    .rulesNaming(host)
    .flatMap((rule) => virtualServiceHosts(rule, read.mesh.clusterDomain))
    .flatMap((each) => (isWildcard(each) ? read.get(hostsUnder, each) : [each]));
  const [, ...over] = patternsOf(host);
  const services = [...new Set([...beside, ...over])].flatMap((each) => read.variants(each));
  return [...new Set([HTTP_PORT, ...services.flatMap(requestPorts)])].toSorted((a, b) => a - b);
}

function requestPorts({ ports }: ServiceModel): readonly number[] {
  return ports.flatMap(({ port, protocol }) =>
    isHttp(protocol) || protocol === "AUTO" ? [port] : [],
  );
}

/** Hosts of services that a wildcard covers. */
const hostsUnder = derivation<string, readonly string[]>(
  "form/hosts-under",
  (pattern) => pattern,
  (read, pattern) =>
    Array.from({ length: HOST_PARTS }, (_, part) =>
      read.get(hostsUnderOfPart, { pattern, part }),
    ).flat(),
);

const hostsUnderOfPart = derivation<
  { readonly pattern: string; readonly part: number },
  readonly string[]
>(
  "form/hosts-under-part",
  ({ pattern, part }) => `${pattern}|${part}`,
  (read, { pattern, part }) => read.part(part).filter((host) => hostMatches(pattern, host)),
);
