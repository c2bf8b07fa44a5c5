/** Kubeconfigs, which may ask programs and identity providers for credentials. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import { AgentError } from "../agent-error.ts";
import type { KubernetesOptions } from "./access.ts";

/** The file of whoever names none. */
export const homeKubeconfig = () => path.join(homedir(), ".kube/config");

/** Whether somebody outside of a pod, who names none, has a kubeconfig at all. */
export function namesCluster(): boolean {
  return filesOf(process.env["KUBECONFIG"]).length > 0 || existsSync(homeKubeconfig());
}

/** The kubeconfig that is meant outside of a pod. Throws `HDL7230` where there is none, or it cannot be read. */
export async function loadKubeconfig({
  kubeconfig,
  context,
}: KubernetesOptions): Promise<KubeConfig> {
  const named = kubeconfig ? [kubeconfig] : filesOf(process.env["KUBECONFIG"]);
  const files = named.length > 0 ? named : [homeKubeconfig()];
  if (!files.some((file) => existsSync(file)))
    throw new AgentError("HDL7230", `There is no kubeconfig ${files.join(path.delimiter)}.`);
  return readKubeconfig(files, context);
}

/** Loading the client library takes 90 MB, and what a pod needs is two files: it is for kubeconfigs, and only for them. */
export async function readKubeconfig(
  files: readonly string[],
  context: string | undefined,
): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  const from = files.join(path.delimiter);
  try {
    for (const [index, file] of files.entries()) {
      if (index === 0) {
        config.loadFromFile(file);
        continue;
      }
      const next = new KubeConfig();
      next.loadFromFile(file);
      config.mergeConfig(next, true);
    }
    if (context !== undefined) config.setCurrentContext(context);
  } catch (error) {
    const { message } = error as Error;
    throw new AgentError("HDL7230", `The kubeconfig ${from} cannot be read: ${message}`, error);
  }
  return config;
}

/** Of a list as `KUBECONFIG` has it. */
export function filesOf(list: string | undefined): string[] {
  return (list ?? "").split(path.delimiter).filter((file) => file !== "");
}
