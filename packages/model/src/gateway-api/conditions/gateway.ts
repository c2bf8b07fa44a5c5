/** Status of GatewayClasses, Gateways and ListenerSets. */
import type * as GatewayApi from "../../kinds/gateway-api/index.ts";
import type { MeshObject } from "../../object.ts";
import { parentsOf, routesOfParent } from "../default-gateways.ts";
import { parentState } from "../attachment.ts";
import { clientCertificateOf } from "../client-certificate.ts";
import { gatewayState, ourGateway, speaksOfClass, stateOfClass } from "../gateway-class.ts";
import { gatewayPatches, isInvalid } from "../parameters.ts";
import { isListenerSetAllowed, type ListenerEntry, rivalsOf } from "../listeners.ts";
import { gatewayOfSet } from "../places.ts";
import { hostMatches } from "../../host.ts";
import { GATEWAY_API, type GatewayApiReader, parentKey } from "../reader.ts";
import { isBroken } from "../references.ts";
import {
  addressesOfServices,
  gatewayServices,
  type GatewayServing,
  type GatewayStatusAddress,
} from "../addresses.ts";
import { SUPPORTED_FEATURES } from "../supported-features.ts";
import { type Condition, fails, holds } from "./condition.ts";

export interface ListenerStatus {
  readonly name: string;
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

export interface GatewayStatus {
  readonly conditions: readonly Condition[];
  readonly listeners: readonly ListenerStatus[];
  /** Of a Gateway, where it is known what serves it. */
  readonly addresses?: readonly GatewayStatusAddress[];
  readonly attachedListenerSets?: number;
}

export interface GatewayClassStatus {
  readonly conditions: readonly Condition[];
  /** In the order of their names, as the Gateway API wants them. */
  readonly supportedFeatures?: readonly { readonly name: string }[];
}

/** Undefined for another controller's. */
export function gatewayClassStatus(
  { revision }: Pick<GatewayApiReader, "revision">,
  object: MeshObject<GatewayApi.GatewayClass>,
): GatewayClassStatus | undefined {
  if (!speaksOfClass(revision, object)) return undefined;
  switch (stateOfClass(object)) {
    case "ours":
      return {
        conditions: [holds("Accepted", "Accepted"), holds("SupportedVersion", "SupportedVersion")],
        supportedFeatures: SUPPORTED_FEATURES.map((name) => ({ name })),
      };
    case "invalid-parameters":
      return {
        conditions: [
          fails(
            "Accepted",
            "InvalidParameters",
            `${parametersText(object.spec.parametersRef)} is no kind of parameters that is read here`,
            "spec.parametersRef",
          ),
        ],
      };
    default:
      return undefined;
  }
}

function parametersText(reference: GatewayApi.GatewayClass["parametersRef"]): string {
  if (reference === undefined) return "parametersRef";
  const { group, kind, namespace, name } = reference;
  return `${kind}${group === "" ? "" : ` of ${group}`} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** Undefined for a Gateway of another controller. */
export function gatewayStatus(
  read: GatewayApiReader,
  object: MeshObject<GatewayApi.Gateway>,
  serving: GatewayServing = {},
): GatewayStatus | undefined {
  const { namespace, name } = object.metadata;
  const { gatewayClassName, addresses = [] } = object.spec;
  const state = gatewayState(read, object);
  if (state === "foreign") return undefined;
  if (state !== "ours") {
    const message =
      state === "missing"
        ? `there is no GatewayClass ${gatewayClassName}`
        : `GatewayClass ${gatewayClassName} has parameters that are not read here`;
    const waiting = (type: string): Condition => ({
      type,
      status: "Unknown",
      reason: "Pending",
      message,
      path: "spec.gatewayClassName",
    });
    return { conditions: [waiting("Accepted"), waiting("Programmed")], listeners: [] };
  }
  const entries = read.listeners(`${namespace}/${name}`);
  const own = entries.filter(({ owner }) => owner.kind === "Gateway");
  const added = entries.filter(({ owner }) => owner.kind !== "Gateway");
  // Those of which no listener is served are not attached.
  const sets = new Set(added.filter(({ served }) => served).map(({ owner }) => owner));
  const conditions: Condition[] = [];
  const unsupported = addresses.findIndex(
    ({ type = "IPAddress" }) => type !== "IPAddress" && type !== "Hostname",
  );
  const patches = gatewayPatches(read, object);
  if (isInvalid(patches)) {
    const path = "spec.infrastructure.parametersRef";
    conditions.push(fails("Accepted", patches.reason, patches.message, path));
  } else if (unsupported >= 0) {
    conditions.push(
      fails(
        "Accepted",
        "UnsupportedAddress",
        `addresses of type ${addresses[unsupported]?.type ?? ""} are not known here`,
        `spec.addresses[${unsupported}].type`,
      ),
    );
  } else if (own.some(({ problems }) => problems.some(isServedProblem))) {
    const served = own.some((entry) => entry.served);
    conditions.push({
      type: "Accepted",
      status: served ? "True" : "False",
      reason: "ListenersNotValid",
      message: "some listeners are not served: their own conditions say why",
    });
  } else conditions.push(holds("Accepted", "Accepted"));
  const assigned = serving.services && addressesOfServices(serving.services, read.clusterDomain);
  conditions.push(programmed(read, object, own, serving, assigned));
  const references = gatewayReferences(read, object, own);
  if (references) conditions.push(references);
  const { default: common, perPort = [] } = object.spec.tls?.frontend ?? {};
  const insecure = [common, ...perPort.map(({ tls }) => tls)].some(
    (tls) => tls?.validation?.mode === "AllowInsecureFallback",
  );
  if (insecure) {
    conditions.push(
      holds(
        "InsecureFrontendValidationMode",
        "ConfigurationChanged",
        "clients without a valid certificate are let in",
      ),
    );
  }
  return {
    conditions,
    listeners: own.map((entry) => listenerStatus(read, entry, entries)),
    ...(assigned ? { addresses: assigned } : {}),
    ...(added.length > 0 ? { attachedListenerSets: sets.size } : {}),
  };
}

/** Undefined where the Gateway refers to nothing by itself. */
function gatewayReferences(
  read: GatewayApiReader,
  object: MeshObject<GatewayApi.Gateway>,
  own: readonly ListenerEntry[],
): Condition | undefined {
  const certificate = clientCertificateOf(read, object);
  if (certificate && isBroken(certificate)) {
    const path = "spec.tls.backend.clientCertificateRef";
    return fails("ResolvedRefs", certificate.reason, certificate.message, path);
  }
  if (own.some(({ problems }) => problems.some(isReferenceProblem))) {
    const message = "some listeners refer to what is not there";
    return fails("ResolvedRefs", "ListenersNotResolved", message);
  }
  return certificate || object.spec.tls?.frontend
    ? holds("ResolvedRefs", "ResolvedRefs")
    : undefined;
}

function programmed(
  read: GatewayApiReader,
  object: MeshObject<GatewayApi.Gateway>,
  own: readonly ListenerEntry[],
  { proxies, services }: GatewayServing,
  assigned: readonly GatewayStatusAddress[] | undefined,
): Condition {
  if (!own.some((entry) => entry.served)) {
    return fails("Programmed", "Invalid", "no listener can be served");
  }
  if (proxies === false) {
    return fails(
      "Programmed",
      "NoResources",
      "no pod has the label gateway.networking.k8s.io/gateway-name with the Gateway's name",
    );
  }
  const { addresses = [] } = object.spec;
  const asked = addresses.findIndex(
    ({ type = "IPAddress", value }) =>
      type === "IPAddress" && value && !assigned?.some((each) => each.value === value),
  );
  if (asked >= 0) {
    const address = addresses[asked]?.value ?? "";
    return fails(
      "Programmed",
      assigned ? "AddressNotUsable" : "AddressNotAssigned",
      assigned
        ? `the pods' Service has not been given the address ${address}`
        : `the address of the pods' Service decides; ${address} is not assigned here`,
      `spec.addresses[${asked}]`,
    );
  }
  if (services && assigned?.length === 0) {
    const [name = ""] = gatewayServices(object, read.clusterDomain);
    return fails(
      "Programmed",
      "AddressNotAssigned",
      services.some((service) => service)
        ? `no load balancer has given Service ${name} an address yet`
        : `there is no Service ${name}`,
    );
  }
  return holds("Programmed", "Programmed");
}

/** Undefined where the Gateway is another controller's. */
export function listenerSetStatus(
  read: GatewayApiReader,
  object: MeshObject<GatewayApi.ListenerSet>,
): GatewayStatus | undefined {
  const { namespace } = object.metadata;
  const name = gatewayOfSet(object.spec, namespace);
  if (name === undefined) return undefined;
  const gateway = ourGateway(read, name);
  if (gateway === undefined) {
    if (read.object(`${GATEWAY_API}/Gateway/${name}`) !== undefined) return undefined;
    const message = `there is no Gateway ${name}`;
    return refused("ParentNotAccepted", message, "spec.parentRef");
  }
  if (!isListenerSetAllowed(read, gateway, object)) {
    return refused(
      "NotAllowed",
      `Gateway ${name} takes no ListenerSets of ${namespace}`,
      "spec.parentRef",
    );
  }
  const entries = read.listeners(name);
  const own = entries.filter(
    ({ owner }) =>
      owner.kind === object.kind &&
      owner.metadata.namespace === namespace &&
      owner.metadata.name === object.metadata.name,
  );
  const served = own.some((entry) => entry.served);
  const whole = own.every((entry) => !entry.problems.some(isServedProblem));
  const conditions: Condition[] = [
    whole && served
      ? holds("Accepted", "Accepted")
      : {
          type: "Accepted",
          status: served ? "True" : "False",
          reason: "ListenersNotValid",
          message: "some listeners are not served: their own conditions say why",
        },
    served
      ? holds("Programmed", "Programmed")
      : fails("Programmed", "ListenersNotValid", "no listener can be served"),
  ];
  return { conditions, listeners: own.map((entry) => listenerStatus(read, entry, entries)) };
}

function refused(reason: string, message: string, path: string): GatewayStatus {
  return {
    conditions: [
      fails("Accepted", reason, message, path),
      fails("Programmed", reason, message, path),
    ],
    listeners: [],
  };
}

function listenerStatus(
  read: GatewayApiReader,
  entry: ListenerEntry,
  all: readonly ListenerEntry[],
): ListenerStatus {
  const { listener, kinds, problems, served, index } = entry;
  const path = `spec.listeners[${index}]`;
  const first = (condition: string) => problems.find((each) => each.condition === condition);
  const failing = (type: string) => {
    const problem = first(type);
    return problem && fails(type, problem.reason, problem.message, path);
  };
  const conflict = first("Conflicted");
  const accepted =
    failing("Accepted") ??
    (conflict ? fails("Accepted", conflict.reason, conflict.message, path) : undefined);
  return {
    name: listener.name,
    supportedKinds: kinds.map((kind) => ({ group: GATEWAY_API, kind })),
    attachedRoutes: attachedRoutes(read, entry),
    conditions: [
      accepted ?? holds("Accepted", "Accepted"),
      served
        ? holds("Programmed", "Programmed")
        : fails("Programmed", conflict?.reason ?? "Invalid", "the listener is not served", path),
      failing("ResolvedRefs") ?? holds("ResolvedRefs", "ResolvedRefs"),
      conflict
        ? {
            type: "Conflicted",
            status: "True",
            reason: conflict.reason,
            message: conflict.message,
            path,
          }
        : { type: "Conflicted", status: "False", reason: "NoConflicts", message: "" },
      ...overlap(entry, all),
    ],
  };
}

/**
 * Clients keep a connection for every host that its certificate is good for, so one that was opened by the TLS settings of
 * one listener may carry requests for another whose hosts overlap. Only said where it is so, as the Gateway API asks.
 */
function overlap(entry: ListenerEntry, all: readonly ListenerEntry[]): readonly Condition[] {
  if (!entry.served || !terminates(entry)) return [];
  const { hostname = "*" } = entry.listener;
  const others = rivalsOf(entry, all).filter((other) => {
    const { hostname: its = "*" } = other.listener;
    return terminates(other) && (hostMatches(its, hostname) || hostMatches(hostname, its));
  });
  if (others.length === 0) return [];
  const names = others.map(({ listener }) => listener.name).join(", ");
  return [
    holds(
      "OverlappingTLSConfig",
      "OverlappingHostnames",
      `hosts of listener ${names} on port ${entry.port} overlap with this one's: requests that come by a connection to the other are answered with 421`,
    ),
  ];
}

function terminates({ protocol, listener }: ListenerEntry): boolean {
  return protocol === "HTTPS" || (protocol === "TLS" && listener.tls?.mode !== "Passthrough");
}

function isServedProblem({ condition }: ListenerEntry["problems"][number]): boolean {
  return condition !== "ResolvedRefs";
}

function isReferenceProblem({ condition }: ListenerEntry["problems"][number]): boolean {
  return condition === "ResolvedRefs";
}

/** Routes that are taken through this listener, each once. */
function attachedRoutes(read: GatewayApiReader, { owner, listener }: ListenerEntry): number {
  const { namespace, name } = owner.metadata;
  const group = owner.apiVersion.slice(0, owner.apiVersion.indexOf("/"));
  const parent = parentKey({ group, kind: owner.kind, namespace, name }, namespace);
  return routesOfParent(read, parent).filter((route) =>
    parentsOf(read, route).some(({ reference }) => {
      if (parentKey(reference, route.metadata.namespace) !== parent) return false;
      const found = parentState(read, route, reference);
      return (
        found.state === "attached" &&
        found.listeners.some(({ entry }) => entry.listener.name === listener.name)
      );
    }),
  ).length;
}
