/** WorkloadEntry of networking.istio.io: one workload that is no Pod, such as a virtual machine; also an endpoint of a ServiceEntry. */

export interface WorkloadEntry {
  /** An IP address, a DNS name, or `unix:///absolute/path`. */
  readonly address?: string;
  /** Where it listens, by the names of its services' ports. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly network?: string;
  /** `region/zone/subzone` */
  readonly locality?: string;
  readonly weight?: number;
  /** Says that a proxy of the mesh stands in front of it, and under which name. */
  readonly serviceAccount?: string;
}
