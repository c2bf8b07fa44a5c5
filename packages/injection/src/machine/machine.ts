/** What a machine's proxy is told, and by whom: everything that the files of its folder are made of. */
import type { Capture } from "../capture.ts";
import type { AgentAddress } from "../settings.ts";

export interface MachineFilesOptions {
  readonly namespace: string;
  /** Its WorkloadGroup. */
  readonly group: string;
  /** What it calls itself; also a part of its node's id. */
  readonly name: string;
  /** An address of the machine itself: its proxy listens there. */
  readonly address: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly clusterId: string;
  readonly clusterDomain: string;
  /** `address` is what the machine reaches the agent by; the agent's certificate is for `host`. */
  readonly agent: AgentAddress & { readonly address: string };
  /** Of a service account, for the agent alone. */
  readonly token: string;
  /** PEM by which the agent is known. */
  readonly roots: string;
  readonly adminPort: number;
  /** Traffic is led to the proxy by iptables; else applications are told of it. */
  readonly traffic: CapturedTraffic | ToldTraffic;
  /** Where the folder is to lie on the machine, for the unit of systemd. */
  readonly place: string;
}

export interface CapturedTraffic {
  readonly capture: Capture;
}

export interface ToldTraffic {
  /** Where the application listens, which the proxy hands requests to. */
  readonly appAddress: string;
  /** Of an HTTP proxy on the loopback, by which the application calls. */
  readonly proxyPort: number;
}

/** Folder of the token, the roots and the files by which Envoy finds them, in the machine's own. */
export const MACHINE_IDENTITY = "identity";
