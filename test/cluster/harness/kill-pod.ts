/** A pod whose processes end as by a crash of the machine: nobody tells them, and nobody is told. */
import { readdirSync, readFileSync } from "node:fs";
import type { Kubectl } from "./kubectl.ts";

/** SIGKILL to all processes of a pod's containers; its sandbox stays, and the kubelet starts the containers anew. */
export async function killPod(kubectl: Kubectl, namespace: string, name: string): Promise<void> {
  const of = ["get", "pod", "-n", namespace, name, "-o"];
  const ids = await kubectl(...of, "jsonpath={.status.containerStatuses[*].containerID}");
  const containers = ids.split(" ").map((id) => id.replace("containerd://", ""));
  const pids = readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    const groups = groupsOf(entry);
    return containers.some((container) => groups.includes(container));
  });
  if (pids.length === 0) throw new Error(`no process of the pod ${namespace}/${name} was found`);
  for (const pid of pids) kill(Number(pid));
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // With a container's first process go all the others of it.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function groupsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch {
    return "";
  }
}
