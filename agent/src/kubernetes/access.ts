/** How the agent reaches its cluster's API server: as a pod does, or as a kubeconfig says. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Agent, type RequestOptions } from "node:https";
import path from "node:path";
import { AgentError } from "../agent-error.ts";
import { filesOf, homeKubeconfig, readKubeconfig } from "./kubeconfig.ts";

export interface KubernetesOptions {
  /** A kubeconfig file; undefined: `KUBECONFIG`, then the pod's own account, then `~/.kube/config`. */
  readonly kubeconfig: string | undefined;
  /** Of the kubeconfig; undefined: its current one. */
  readonly context: string | undefined;
}

export interface ApiAccess {
  readonly server: URL;
  /** Authority, credentials and connection pool; asked for with each request, since tokens and authorities rotate. */
  options(): Promise<RequestOptions>;
}

const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** `HDL7230` where no cluster is named, or what names it cannot be used. */
export async function openAccess(
  { kubeconfig, context }: KubernetesOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
  account: string = ACCOUNT,
): Promise<ApiAccess> {
  const files = kubeconfig ? [kubeconfig] : filesOf(env["KUBECONFIG"]);
  if (files.length > 0) return fromKubeconfig(files, context);
  const host = env["KUBERNETES_SERVICE_HOST"];
  if (host && context === undefined && existsSync(path.join(account, "token")))
    return fromPod(host, env["KUBERNETES_SERVICE_PORT"] ?? "443", account);
  const own = homeKubeconfig();
  if (existsSync(own)) return fromKubeconfig([own], context);
  throw new AgentError(
    "HDL7230",
    "No cluster is named: this is no pod with a service account, and there is no kubeconfig.",
  );
}

async function fromKubeconfig(
  files: readonly string[],
  context: string | undefined,
): Promise<ApiAccess> {
  const config = await readKubeconfig(files, context);
  const server = config.getCurrentCluster()?.server;
  if (!server || !URL.canParse(server)) {
    const known = config.contexts.map(({ name }) => name).join(", ") || "none";
    const from = files.join(path.delimiter);
    throw new AgentError(
      "HDL7230",
      `Context ${config.currentContext || "(none)"} of the kubeconfig ${from} names no cluster; its contexts: ${known}.`,
    );
  }
  return {
    server: new URL(server),
    async options() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    },
  };
}

function fromPod(host: string, port: string, account: string): ApiAccess {
  let pool: { readonly ca: string; readonly agent: Agent } | undefined;
  return {
    server: new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`),
    async options() {
      const [token, ca] = await Promise.all([
        readFile(path.join(account, "token"), "utf8"),
        readFile(path.join(account, "ca.crt"), "utf8"),
      ]);
      if (pool === undefined || pool.ca !== ca) {
        pool?.agent.destroy();
        pool = { ca, agent: new Agent({ ca, keepAlive: true }) };
      }
      return { agent: pool.agent, headers: { authorization: `Bearer ${token.trim()}` } };
    },
  };
}
