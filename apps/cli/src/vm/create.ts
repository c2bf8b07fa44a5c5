/** Makes the folder of a machine: asks the cluster for what it is to be, and writes what it starts from. */
import path from "node:path";
import { defaultOptions, machineFiles, type MachineFilesOptions } from "@heddle/injection";
import { canonicalAddress, registeredName, unfitForMachine } from "@heddle/model";
import { connect } from "../cluster/connect.ts";
import { CliError } from "../output/cli-error.ts";
import { groupOfMachines, installedAgent, rootsOf } from "./asked-machine.ts";
import { writeNewFolder, writeOver } from "./folder.ts";
import { machineToken } from "./machine-token.ts";

export interface ClusterOfMachine {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
}

export interface CreateOptions extends ClusterOfMachine {
  readonly address: string;
  readonly name?: string;
  readonly out?: string;
  readonly force?: boolean;
  /** Seconds. */
  readonly duration: number;
  readonly agent?: { readonly host: string; readonly port?: number };
  readonly otlpPort: number;
  readonly agentNamespace: string;
  readonly revision: string;
  readonly capture?: boolean;
  readonly excludeInboundPorts: readonly number[];
  readonly excludeOutboundPorts: readonly number[];
  readonly appAddress: string;
  readonly proxyPort: number;
  readonly adminPort: number;
  readonly place: string;
  /** Addresses of the loopback count as any other. */
  readonly loopback?: boolean;
}

export interface MadeFolder {
  readonly folder: string;
  /** The WorkloadEntry that is to stand for the machine. */
  readonly entry: string;
  readonly account: string;
  /** When the token ends, RFC 3339. */
  readonly expires: string;
}

/** Throws HDL9085 to HDL9089, and HDL9064 where the cluster does not answer. */
export async function createMachine(group: string, options: CreateOptions): Promise<MadeFolder> {
  const { namespace, duration } = options;
  const address = addressOf(options);
  const client = await connect(options);
  const of = await groupOfMachines(client, namespace, group);
  const [roots, installed] = await Promise.all([
    rootsOf(client, namespace),
    installedAgent(client, options.agentNamespace, options.revision),
  ]);
  // Last: what has gone wrong by then has made no token.
  const { token, expires } = await machineToken(client, of, duration);
  const entry = registeredName(group, address, of.network);
  const name = options.name ?? entry;
  const { clusterId, clusterDomain, host } = installed;
  const { agent } = defaultOptions;
  const files = machineFiles({
    ...{ namespace, group, name, address, clusterId, clusterDomain, token, roots },
    ...{ serviceAccount: of.serviceAccount, labels: of.labels },
    ...{ adminPort: options.adminPort, place: options.place, traffic: trafficOf(options) },
    agent: {
      ...{ host, security: "tls", address: options.agent?.host ?? host },
      ...{ xdsPort: options.agent?.port ?? agent.xdsPort, otlpPort: options.otlpPort },
    },
  });
  const folder = path.resolve(options.out ?? `heddle-vm-${name}`);
  await (options.force ? writeOver : writeNewFolder)(folder, files);
  return { folder, entry, expires, account: `${namespace}/${of.serviceAccount}` };
}

function addressOf({ address, loopback = false }: CreateOptions): string {
  const unfit = unfitForMachine(address, { loopback });
  if (unfit === undefined) return canonicalAddress(address) ?? address;
  throw new CliError(
    "HDL9089",
    `--address: ${JSON.stringify(address)} ${unfit}; no agent takes a machine by it.`,
    "Give the address of the machine by which the mesh's other workloads reach it.",
    2,
  );
}

function trafficOf(options: CreateOptions): MachineFilesOptions["traffic"] {
  const { capture = false, appAddress, proxyPort } = options;
  if (!capture) return { appAddress, proxyPort };
  return {
    capture: {
      includeInboundPorts: "*",
      excludeInboundPorts: options.excludeInboundPorts,
      includeOutboundRanges: "*",
      excludeOutboundRanges: [],
      includeOutboundPorts: [],
      excludeOutboundPorts: options.excludeOutboundPorts,
      excludeInterfaces: [],
      virtualInterfaces: [],
    },
  };
}
