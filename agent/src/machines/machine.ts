/** A machine that is a workload of the mesh by its WorkloadGroup, as the agent has admitted it. */

export interface Machine {
  readonly namespace: string;
  /** What it calls itself. */
  readonly name: string;
  readonly group: string;
  /** In its canonical form. */
  readonly address: string;
  /** Name of the WorkloadEntry that stands for it. */
  readonly entry: string;
  /** The entry is the agent's to make and to remove; else somebody has written it. */
  readonly registers: boolean;
  /** `region/zone/subzone`, as its node says; empty where it says nothing. */
  readonly locality: string;
}

export const ENTRY_KIND = "networking.istio.io/WorkloadEntry/";
export const GROUP_KIND = "networking.istio.io/WorkloadGroup/";

export const entryKey = (namespace: string, name: string): string =>
  `${ENTRY_KIND}${namespace}/${name}`;
export const groupKey = (namespace: string, name: string): string =>
  `${GROUP_KIND}${namespace}/${name}`;
