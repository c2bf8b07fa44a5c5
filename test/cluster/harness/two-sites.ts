/**
 * A road between two clusters as between two sites: either's node and the addresses of its load balancer are reached from the
 * other, its pods and Services are not, and whoever leaves has the address of his node. The link joins the two rooms and goes
 * with either; of the machine it needs nothing, neither routes nor that it forwards.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Cluster } from "./cluster.ts";
import { entering, holderOf } from "./room.ts";

const run = promisify(execFile);
type Site = Pick<Cluster, "state" | "network">;

export async function connectSites(one: Site, other: Site): Promise<void> {
  const ends = ["peer", "name", linkTo(one), "netns", String(holderOf(other.state))];
  await inRoom(one, "ip", "link", "add", linkTo(other), "type", "veth", ...ends);
  for (const [here, there] of [
    [one, other],
    [other, one],
  ] as const) {
    const link = linkTo(there);
    const { node, loadBalancers } = there.network;
    const as = ["src", here.network.node];
    await inRoom(here, "ip", "link", "set", link, "up");
    await inRoom(here, "ip", "route", "add", node, "dev", link, ...as);
    await inRoom(here, "ip", "route", "add", loadBalancers, "via", node, "dev", link, ...as);
    const leaving = ["-s", here.network.pods, "-o", link];
    const becomes = ["-j", "SNAT", "--to-source", here.network.node];
    await inRoom(here, "iptables", "-w", "-t", "nat", "-A", "POSTROUTING", ...leaving, ...becomes);
  }
}

/** Whether the node of a cluster knows a way to an address. */
export const hasWay = (from: Site, address: string): Promise<boolean> =>
  inRoom(from, "ip", "route", "get", address).then(
    () => true,
    () => false,
  );

const linkTo = ({ network }: Site) => `to-${network.link}`;

const inRoom = ({ state }: Site, ...command: readonly string[]) =>
  run("nsenter", [...entering(state), ...command]);
