/** Endpoints in one place, and a client in its own. */
import type { WorkloadEndpoint, WorkloadLocality } from "@heddle/model";
import type { Families } from "../families.ts";
import type { Locality } from "../proxy.ts";

export interface LocalityGroup {
  readonly locality: WorkloadLocality | undefined;
  readonly endpoints: readonly WorkloadEndpoint[];
  /** 0 is used first; a higher number while those before it are not healthy enough. */
  readonly priority: number;
  /** Share among groups of the same priority. */
  readonly weight: number;
}

/** Where a client is, and the labels that it is compared with endpoints by. */
export interface ClientPlace {
  readonly locality: Locality | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** IPv4 where it is left out. */
  readonly families?: Families;
  /** SDS name of what it presents to the backend, or a gRPC client's provider of certificates; nothing where it is left out. */
  readonly certificate?: string;
}

/** By place, in the order of their names. */
export function grouped(
  endpoints: readonly WorkloadEndpoint[],
  priority = 0,
): readonly LocalityGroup[] {
  const groups = new Map<string, WorkloadEndpoint[]>();
  for (const endpoint of endpoints) {
    const place = textOf(endpoint.locality);
    const group = groups.get(place);
    if (group === undefined) groups.set(place, [endpoint]);
    else group.push(endpoint);
  }
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, members]) => ({
      locality: members[0]?.locality,
      endpoints: members,
      priority,
      weight: members.reduce((sum, { weight }) => sum + weight, 0),
    }));
}

function textOf(locality: WorkloadLocality | undefined): string {
  return locality === undefined ? "" : `${locality.region}/${locality.zone}/${locality.subzone}`;
}

/** Equal for places that are. */
export function placeText({ locality, labels, families, certificate }: ClientPlace): string {
  const place =
    locality === undefined ? "" : `${locality.region}/${locality.zone}/${locality.subzone}`;
  return [
    place,
    families ?? "",
    certificate ?? "",
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
  ].join(",");
}
