/** Envoy resources as rows for a person: the few fields that tell one from another. */

interface Address {
  readonly socketAddress?: { readonly address?: string; readonly portValue?: number };
}

interface AnyResource {
  readonly name?: string;
  readonly clusterName?: string;
  readonly type?: string;
  readonly address?: Address;
  readonly virtualHosts?: readonly {
    readonly name: string;
    readonly domains: readonly string[];
    readonly routes?: readonly unknown[];
  }[];
  readonly endpoints?: readonly {
    readonly lbEndpoints?: readonly {
      readonly endpoint?: { readonly address?: Address };
      readonly healthStatus?: string;
    }[];
  }[];
  readonly filterChains?: readonly unknown[];
}

export function configRows(
  kind: string,
  values: readonly object[],
): { headers: string[]; rows: string[][] } {
  const resources = values as readonly AnyResource[];
  switch (kind) {
    case "clusters":
      return {
        headers: ["CLUSTER", "TYPE"],
        rows: resources.map((c) => [c.name ?? "", c.type ?? "EDS"]),
      };
    case "listeners":
      return {
        headers: ["LISTENER", "ADDRESS", "CHAINS"],
        rows: resources.map((l) => [
          l.name ?? "",
          socket(l.address),
          String(l.filterChains?.length ?? 0),
        ]),
      };
    case "routes":
      return {
        headers: ["ROUTE", "VIRTUAL HOST", "DOMAINS", "ROUTES"],
        rows: resources.flatMap((r) =>
          (r.virtualHosts ?? []).map((h) => [
            r.name ?? "",
            h.name,
            h.domains.slice(0, 3).join(", "),
            String(h.routes?.length ?? 0),
          ]),
        ),
      };
    case "endpoints":
      return {
        headers: ["ENDPOINT", "HEALTH", "CLUSTER"],
        rows: resources.flatMap((e) =>
          (e.endpoints ?? []).flatMap((locality) =>
            (locality.lbEndpoints ?? []).map((lb) => [
              socket(lb.endpoint?.address),
              lb.healthStatus ?? "HEALTHY",
              e.clusterName ?? "",
            ]),
          ),
        ),
      };
    default:
      return { headers: ["NAME"], rows: resources.map((r) => [r.name ?? ""]) };
  }
}

function socket(address: Address | undefined): string {
  const { address: host, portValue } = address?.socketAddress ?? {};
  return host ? `${host}:${portValue ?? 0}` : "-";
}
