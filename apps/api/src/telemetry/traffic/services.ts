/** Golden signals by service and by workload. */

import { codesOf, flagsOf, goldenOf } from "./golden.ts";
import { serverSide } from "./reporter.ts";
import { known, type SeriesTotals } from "./series-totals.ts";
import type { ServiceTraffic, WorkloadTraffic } from "../telemetry-store.ts";

export type ServiceTotals = Omit<ServiceTraffic, "rateSeries" | "errorSeries" | "p95Series">;

/** The host that a series' requests were sent to; undefined where none is known. */
export function hostOf({ labels }: SeriesTotals): string | undefined {
  return known(labels.destination_service) || undefined;
}

/** By host, with the numbers of the series that stand for it. */
export function servicesOf(
  series: readonly SeriesTotals[],
  seconds: number,
): { totals: ServiceTotals; ids: number[] }[] {
  return [...serverSide(series, hostOf)]
    .map(([host, group]) => {
      const named =
        group.find(({ labels }) => known(labels.destination_service_name) !== "") ?? group[0]!;
      const totals: ServiceTotals = {
        host,
        name: known(named.labels.destination_service_name) || host.split(".")[0]!,
        namespace: known(named.labels.destination_service_namespace),
        golden: goldenOf(group, seconds),
        codes: codesOf(group),
        flags: flagsOf(group),
      };
      return { totals, ids: group.map(({ id }) => id) };
    })
    .sort((a, b) => (a.totals.host < b.totals.host ? -1 : 1));
}

export function workloadsOf(series: readonly SeriesTotals[], seconds: number): WorkloadTraffic[] {
  const keyOf = ({ labels }: SeriesTotals) => {
    const name = known(labels.destination_workload);
    return name === "" ? undefined : `${known(labels.destination_workload_namespace)}/${name}`;
  };
  return [...serverSide(series, keyOf)]
    .map(([, group]): WorkloadTraffic => {
      const { labels } = group[0]!;
      return {
        name: labels.destination_workload,
        namespace: known(labels.destination_workload_namespace),
        app: known(labels.destination_app) || known(labels.destination_canonical_service),
        version: known(labels.destination_version),
        principal:
          group
            .map((one) => known(one.labels.destination_principal))
            .find((principal) => principal !== "") ?? "",
        hosts: [...new Set(group.map(hostOf).filter((host) => host !== undefined))].sort(),
        golden: goldenOf(group, seconds),
      };
    })
    .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}
