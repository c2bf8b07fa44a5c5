/** What the mesh's clusters say that there is, so that services without traffic are seen too. */

import type { MutualTlsReport } from "@heddle/sync";
import type { MeshRef } from "../../deps.ts";

export interface RegisteredService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  readonly ports: readonly {
    readonly name: string;
    readonly port: number;
    readonly protocol: string;
  }[];
}

export interface RegisteredWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly serviceAccount: string;
  readonly pods: number;
  /** Hosts of the services that it serves. */
  readonly services: readonly string[];
  /** What its sidecars take; undefined where nobody says. */
  readonly mtls?: MutualTlsReport | undefined;
}

export interface RegistrySummary {
  readonly services: readonly RegisteredService[];
  readonly workloads: readonly RegisteredWorkload[];
}

/** The newest summary of a mesh's clusters, merged. */
export type MeshRegistry = (mesh: MeshRef) => Promise<RegistrySummary>;
