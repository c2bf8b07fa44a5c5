/** kubectl of the cluster's own version, on a cluster of ours. */
import { spawn } from "node:child_process";
import path from "node:path";
import { kubeconfigOf } from "./control-plane.ts";

export interface Kubectl {
  /** What it prints. Rejects with what it says where it fails. */
  (...args: readonly string[]): Promise<string>;
  /** `kubectl apply --server-side`, of objects, which have no limit to their size then. */
  apply(...objects: readonly object[]): Promise<string>;
}

export function kubectlOf(state: string, binaries: string): Kubectl {
  const run = (args: readonly string[], input = "") =>
    new Promise<string>((resolve, reject) => {
      const own = [
        ...["--kubeconfig", kubeconfigOf(state)],
        // Another cluster was at the same address before, and had other kinds.
        ...["--cache-dir", path.join(state, "kubectl-cache")],
      ];
      const child = spawn(path.join(binaries, "kubectl"), [...own, ...args]);
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      child.on("error", reject);
      child.on("close", (code) => {
        if (code === 0) resolve(stdout);
        else reject(new Error(`kubectl ${args.join(" ")} ended with ${code}: ${stderr || stdout}`));
      });
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    });
  const kubectl = (...args: readonly string[]) => run(args);
  return Object.assign(kubectl, {
    apply: (...objects: readonly object[]) =>
      run(
        ["apply", "--server-side", "--force-conflicts", "-f", "-"],
        JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
      ),
  });
}
