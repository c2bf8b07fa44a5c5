/** Another token for a machine, and the roots by which its agent is known by now. */
import path from "node:path";
import { identityFiles } from "@heddle/injection";
import { connect } from "../cluster/connect.ts";
import { groupOfMachines, rootsOf } from "./asked-machine.ts";
import type { ClusterOfMachine } from "./create.ts";
import { writeOver } from "./folder.ts";
import { machineToken, type MachineToken } from "./machine-token.ts";

export interface RenewOptions extends ClusterOfMachine {
  /** A machine's folder. */
  readonly out?: string;
  /** Seconds. */
  readonly duration: number;
}

export async function renewToken(group: string, options: RenewOptions): Promise<MachineToken> {
  const { namespace, duration, out } = options;
  const client = await connect(options);
  const of = await groupOfMachines(client, namespace, group);
  const roots = out === undefined ? undefined : await rootsOf(client, namespace);
  const made = await machineToken(client, of, duration);
  if (out !== undefined && roots !== undefined)
    await writeOver(path.resolve(out), identityFiles(made.token, roots));
  return made;
}
