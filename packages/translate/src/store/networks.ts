/** Gateways into the networks of a mesh: Services that say by a label which network they lead into. */
import { compareText, isIpAddress, type MeshObject, type Service } from "@heddle/model";
import { NETWORK_LABEL } from "../endpoint/topology.ts";
import type { Claims } from "../engine/claims.ts";
import type { ElsewhereData } from "./elsewhere.ts";
import type { ModelIndex } from "./index-of.ts";
import { Tracked } from "./tracked.ts";

/** Where other networks reach it. */
export interface NetworkGateway {
  readonly address: string;
  readonly port: number;
}

/** Istio's label for another port than its own. */
const PORT_LABEL = "networking.istio.io/gatewayPort";
const PORT = 15_443;

type Gateway = MeshObject<Service>;

export class Networks implements ModelIndex {
  readonly kinds = ["core/Service"];
  readonly #byNetwork = new Map<string, Set<Gateway>>();
  readonly #gateways: Tracked<readonly NetworkGateway[]>;
  readonly #any: Tracked<boolean>;

  /** Told, while plain data is changed, that this cluster's own gateways may be others. */
  ownChanged = (): void => {};

  /** `elsewhere` has the gateways that other clusters tell of; whoever changes it says so. */
  constructor(claims: Claims, elsewhere: ElsewhereData) {
    this.#gateways = new Tracked(claims, "model/network-gateways", (network) => {
      const own = [...(this.#byNetwork.get(network) ?? [])].flatMap(addressesOf);
      const all = [...own, ...elsewhere.gatewaysInto(network)];
      const known = new Map(all.map((each) => [`${each.address}|${each.port}`, each]));
      return [...known.values()].toSorted(
        (a, b) => compareText(a.address, b.address) || a.port - b.port,
      );
    });
    this.#any = new Tracked(
      claims,
      "model/has-networks",
      () => this.#byNetwork.size > 0 || elsewhere.hasGateways(),
    );
  }

  /** By address; none where nobody has told of a gateway into the network, or nobody has given it an address yet. */
  gateways(network: string): readonly NetworkGateway[] {
    return this.#gateways.read(network);
  }

  /** Whether the mesh has any. */
  any(): boolean {
    return this.#any.read("");
  }

  /** Of this cluster alone, untracked. */
  own(): readonly (NetworkGateway & { readonly network: string })[] {
    return [...this.#byNetwork].flatMap(([network, services]) =>
      [...services].flatMap(addressesOf).map((gateway) => ({ network, ...gateway })),
    );
  }

  /** Other clusters have other gateways into a network. */
  elsewhereChanged(network: string): void {
    this.#gateways.touch(network);
    this.#any.touch("");
  }

  change(before: Gateway | undefined, after: Gateway | undefined): void {
    for (const [service, verb] of [
      [before, "delete"],
      [after, "add"],
    ] as const) {
      const network = service?.metadata.labels[NETWORK_LABEL];
      if (service === undefined || !network) continue;
      const known = this.#byNetwork.get(network) ?? new Set();
      known[verb](service);
      if (known.size > 0) this.#byNetwork.set(network, known);
      else this.#byNetwork.delete(network);
      this.#gateways.touch(network);
      this.#any.touch("");
      this.ownChanged();
    }
  }

  flush(): void {
    this.#gateways.flush();
    this.#any.flush();
  }
}

/** Endpoints are addresses: a load balancer that is known by its name alone has none to give. */
function addressesOf({ metadata, spec }: Gateway): readonly NetworkGateway[] {
  const { externalIPs = [], externalName, status, type } = spec;
  const balanced = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  const named = type === "ExternalName" && externalName !== undefined ? [externalName] : [];
  const port = Number(metadata.labels[PORT_LABEL]) || PORT;
  return [...balanced, ...externalIPs, ...named]
    .filter(isIpAddress)
    .map((address) => ({ address, port }));
}
