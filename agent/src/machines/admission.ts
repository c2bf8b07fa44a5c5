/**
 * Whether a machine is let in: its token proves an account; the WorkloadGroup that its node names has to be of that account, and
 * the address that it claims one that a machine can have and nobody else has. What the node says beside that is not believed.
 */
import {
  canonicalAddress,
  labelsOfGroup,
  type MeshObject,
  originOf,
  REGISTER_GROUP,
  registeredName,
  unfitForMachine,
  withGroup,
  type WorkloadEntry,
  type WorkloadGroup,
} from "@heddle/model";
import { parseNode, type ProxyDescription, type XdsNode } from "@heddle/translate";
import {
  type AccountToken,
  CallerRefused,
  claimAccount,
  type MachineAccount,
  type MachineAccounts,
} from "../callers/index.ts";
import type { Directory } from "./directory.ts";
import { isOfGroup, isRegistered, registrationOf } from "./entry.ts";
import { ENTRY_KIND, entryKey, type Machine } from "./machine.ts";
import type { NodeAddresses } from "./node-addresses.ts";

/** A machine may come before the agent has heard of its group. Milliseconds. */
const PATIENCE = 5_000;
const LOOK_AGAIN = 50;

export interface AdmissionOptions {
  readonly directory: Directory;
  readonly nodes: NodeAddresses;
  readonly objectAt: (key: string) => MeshObject | undefined;
  /** The machine that is connected to this replica by an address. */
  readonly live: (address: string) => Machine | undefined;
  /** What this replica is called on entries; undefined where it writes none. */
  readonly replica: string | undefined;
  readonly admitted: (proxy: ProxyDescription, machine: Machine) => void;
  /** Whether addresses of the loopback are as good as others. */
  readonly loopback: boolean;
  /** 5 s unless told otherwise. */
  readonly patience?: number;
}

type Account = Pick<AccountToken, "namespace" | "serviceAccount">;

export function createAdmission(options: AdmissionOptions): MachineAccounts {
  const { directory, nodes, objectAt, patience = PATIENCE } = options;
  return async (account) => {
    const { namespace, serviceAccount } = account;
    const end = performance.now() + patience;
    const groups = () => directory.groupsOf(namespace, serviceAccount);
    while (groups().length === 0) {
      if (performance.now() >= end)
        throw new CallerRefused(
          "HDL7251",
          `The token is bound to no pod, and no WorkloadGroup of namespace ${namespace} is of account ${serviceAccount}.`,
        );
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    }
    await nodes.refresh();
    return {
      admit: (node) => admit(node, account, options),
      workload: () => workloadOf(account, groups(), entriesOf(account, directory, objectAt)),
    };
  };
}

function admit(node: XdsNode, account: Account, options: AdmissionOptions): ProxyDescription {
  const said = parseNode(node);
  const metadata = node.metadata ?? {};
  const { namespace, serviceAccount } = account;
  claimAccount(node, said, account);
  // Gateways are given the Secrets of their namespace.
  if (said.type !== "sidecar") refuse("The node claims to be a gateway, which no machine is.");
  const group = groupNamed(metadata[REGISTER_GROUP], account, options.directory);
  const address = addressOf(said, options);
  const { region = "", zone = "", subzone = "" } = said.locality ?? {};
  const machine = ownEntry(
    {
      ...{ namespace, name: said.pod, group: group.metadata.name, address },
      entry: registeredName(group.metadata.name, address, group.spec.template.network),
      registers: true,
      locality: [region, zone, subzone].join("/").replace(/\/+$/, ""),
    },
    group,
    account,
    options,
  );
  const proxy: ProxyDescription = {
    ...said,
    ...{ namespace, serviceAccount, addresses: [address], pod: machine.entry },
    // Rules go by them.
    labels: labelsFor(machine, group, options),
  };
  options.admitted(proxy, machine);
  return proxy;
}

function refuse(message: string): never {
  throw new CallerRefused("HDL7253", message);
}

function groupNamed(
  name: unknown,
  { namespace, serviceAccount }: Account,
  directory: Directory,
): MeshObject<WorkloadGroup> {
  const groups = directory.groupsOf(namespace, serviceAccount);
  const found = groups.find(({ metadata }) => metadata.name === name);
  if (found) return found;
  const known = groups.map(({ metadata }) => metadata.name).toSorted();
  refuse(
    `The node names ${name === undefined ? "no WorkloadGroup" : `WorkloadGroup ${JSON.stringify(name)}`} in ${REGISTER_GROUP}; of account ${serviceAccount} of namespace ${namespace} is ${known.join(", ")}.`,
  );
}

/** The one address that the machine claims, in its canonical form: it has no other entry to have more by. */
function addressOf(
  { addresses, statsAddress }: ProxyDescription,
  { loopback }: AdmissionOptions,
): string {
  const all = new Set(addresses.map((each) => canonicalAddress(each) ?? each));
  const [address] = all;
  if (address === undefined || all.size > 1)
    refuse(`The node claims ${all.size} addresses; a machine has one.`);
  const unfit = unfitForMachine(address, { loopback });
  if (unfit !== undefined)
    refuse(`The node claims address ${JSON.stringify(address)}, which ${unfit}.`);
  // The agent scrapes it, and nothing proves the address: no port that others may listen on is asked.
  if (statsAddress !== undefined)
    refuse("The node claims another place for its statistics, which a machine has at port 15090.");
  return address;
}

/** The machine with the entry that stands for it. Throws where its address is somebody else's. */
function ownEntry(
  machine: Machine,
  group: MeshObject<WorkloadGroup>,
  { serviceAccount }: Account,
  { directory, nodes, objectAt, live, replica }: AdmissionOptions,
): Machine {
  const { namespace, address, name } = machine;
  const claimed = `The node claims address ${address}, which`;
  if (nodes.has(address)) refuse(`${claimed} a Node of the cluster has.`);
  let written: string | undefined;
  for (const key of directory.at(address)) {
    const object = objectAt(key);
    if (object === undefined) continue;
    const own = key.startsWith(ENTRY_KIND) && isOfGroup(object, namespace, machine.group);
    if (!own) refuse(`${claimed} ${originOf(object)} has.`);
    if (!isRegistered(object, machine.group)) {
      const entry = withGroup(object as MeshObject<WorkloadEntry>, group);
      if (entry.spec.serviceAccount !== serviceAccount)
        refuse(`${claimed} is of ${originOf(object)}, and that of another account.`);
      written ??= object.metadata.name;
      continue;
    }
    const noted = registrationOf(object);
    const elsewhere = noted?.connectedAt !== undefined && noted.controller !== replica;
    if (elsewhere && noted.machine !== name)
      refuse(`${claimed} machine ${JSON.stringify(noted.machine)} has, which is connected.`);
  }
  const other = live(address);
  if (
    other &&
    (other.name !== name || other.namespace !== namespace || other.group !== machine.group)
  )
    refuse(`${claimed} machine ${JSON.stringify(other.name)} has, which is connected.`);
  if (written !== undefined) return { ...machine, entry: written, registers: false };
  if (replica === undefined)
    refuse(
      `No WorkloadEntry stands for ${address}, and an agent outside of the cluster makes none.`,
    );
  return machine;
}

function labelsFor(
  { registers, entry, namespace }: Machine,
  group: MeshObject<WorkloadGroup>,
  { objectAt }: Pick<AdmissionOptions, "objectAt">,
): Readonly<Record<string, string>> {
  const there = registers ? undefined : objectAt(entryKey(namespace, entry));
  return there === undefined
    ? labelsOfGroup(group.spec)
    : withGroup(there as MeshObject<WorkloadEntry>, group).metadata.labels;
}

function entriesOf(
  { namespace, serviceAccount }: Account,
  directory: Directory,
  objectAt: (key: string) => MeshObject | undefined,
): readonly MeshObject<WorkloadEntry>[] {
  const groups = directory.groupsOf(namespace, serviceAccount);
  return [...directory.entries()].flatMap((key) => {
    const entry = objectAt(key) as MeshObject<WorkloadEntry> | undefined;
    const is = entry && groups.some(({ metadata }) => isOfGroup(entry, namespace, metadata.name));
    return is ? [entry] : [];
  });
}

/** Of several machines their group; of several groups the account, which is all that is proven. */
function workloadOf(
  { serviceAccount }: Account,
  groups: readonly MeshObject<WorkloadGroup>[],
  entries: readonly MeshObject<WorkloadEntry>[],
): ReturnType<MachineAccount["workload"]> {
  const [entry, another] = entries;
  const [group, second] = groups;
  if (entry && !another) {
    const of = groups.find(({ metadata }) => isOfGroup(entry, metadata.namespace, metadata.name));
    const { metadata, spec } = withGroup(entry, of);
    return { pod: metadata.name, addresses: [spec.address ?? ""], labels: metadata.labels };
  }
  if (group && !second)
    return { pod: group.metadata.name, addresses: [], labels: labelsOfGroup(group.spec) };
  return { pod: serviceAccount, addresses: [], labels: {} };
}
