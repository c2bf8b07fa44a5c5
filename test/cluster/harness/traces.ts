/** What of a cluster can be seen on the machine outside of its room; for tests that nothing stays. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { Network } from "./network.ts";

/** One line for each trace; none where there is no cluster and never was one. */
export function tracesOf(state: string, network: Network): string[] {
  const lines = (text: string) => text.split("\n").filter((line) => line !== "");
  const output = (command: string, ...args: string[]) =>
    execFileSync(command, args, { encoding: "utf8" });
  const about = (what: string, all: string[], ...marks: string[]) =>
    all
      .filter((line) => marks.some((mark) => line.includes(mark)))
      .map((line) => `${what} ${line}`);
  return [
    ...(existsSync(state) ? [`folder ${state}`] : []),
    ...about("mount", lines(readFileSync("/proc/self/mounts", "utf8")), state),
    ...about("interface", lines(output("ip", "-oneline", "link")), network.link),
    ...about("route", lines(output("ip", "route")), network.node, network.link),
    ...about("process", lines(output("ps", "-eo", "args")), state, network.pods),
    ...about("rule", lines(output("iptables-save")), network.services, network.pods),
  ];
}
