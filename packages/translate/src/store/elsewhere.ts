/** What other clusters of the mesh have: endpoints of services, and gateways into their networks. */
import { compareText, type WorkloadEndpoint } from "@heddle/model";
import type { NetworkGateway } from "./networks.ts";

/** Of a service that goes by the same host and namespace in every cluster; ready or not, ports by their names. */
export interface EndpointsElsewhere {
  readonly host: string;
  readonly namespace: string;
  readonly endpoints: readonly WorkloadEndpoint[];
}

export interface GatewayElsewhere extends NetworkGateway {
  /** The network that it leads into. */
  readonly network: string;
}

export type Elsewhere =
  | { readonly service: EndpointsElsewhere }
  | { readonly gateway: GatewayElsewhere };

/** What changed, by service and by network. */
export interface ChangedElsewhere {
  readonly services: readonly EndpointsElsewhere[];
  readonly networks: readonly string[];
}

/** A reading of the outside world, equal in all readings of the model. Plain data: whoever changes it says so to the indexes. */
export class ElsewhereData {
  readonly #held = new Map<string, Elsewhere>();
  readonly #services = new Map<string, Map<string, EndpointsElsewhere>>();
  readonly #gateways = new Map<string, Map<string, GatewayElsewhere>>();

  /** Puts values in by any keys (undefined: gone). In whatever order they come, what is held is the same. */
  change(changes: ReadonlyMap<string, Elsewhere | undefined>): ChangedElsewhere {
    const services: EndpointsElsewhere[] = [];
    const networks: string[] = [];
    for (const [key, value] of changes) {
      const before = this.#held.get(key);
      if (value === undefined) this.#held.delete(key);
      else this.#held.set(key, value);
      for (const [each, present] of [
        [before, false],
        [value, true],
      ] as const) {
        if (each === undefined) continue;
        if ("service" in each) {
          services.push(each.service);
          file(this.#services, serviceKey(each.service), key, each.service, present);
        } else {
          networks.push(each.gateway.network);
          file(this.#gateways, each.gateway.network, key, each.gateway, present);
        }
      }
    }
    return { services, networks };
  }

  /** Of all clusters, in the order of their keys. */
  endpointsOf(
    service: Pick<EndpointsElsewhere, "host" | "namespace">,
  ): readonly WorkloadEndpoint[] {
    return inOrder(this.#services.get(serviceKey(service))).flatMap(({ endpoints }) => endpoints);
  }

  gatewaysInto(network: string): readonly NetworkGateway[] {
    return inOrder(this.#gateways.get(network)).map(({ address, port }) => ({ address, port }));
  }

  /** Whether there is a gateway into any network. */
  hasGateways(): boolean {
    return this.#gateways.size > 0;
  }
}

const serviceKey = ({ host, namespace }: Pick<EndpointsElsewhere, "host" | "namespace">) =>
  `${host}|${namespace}`;

function file<T>(
  all: Map<string, Map<string, T>>,
  name: string,
  key: string,
  value: T,
  present: boolean,
): void {
  const known = all.get(name) ?? new Map<string, T>();
  if (present) known.set(key, value);
  else known.delete(key);
  if (known.size > 0) all.set(name, known);
  else all.delete(name);
}

function inOrder<T>(values: ReadonlyMap<string, T> | undefined): readonly T[] {
  if (values === undefined) return [];
  return [...values].toSorted(([a], [b]) => compareText(a, b)).map(([, value]) => value);
}
