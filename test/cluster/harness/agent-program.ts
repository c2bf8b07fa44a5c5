/**
 * The agent as its image has it, on an API server alone: the bundle, with the arguments of an installation, the rights of its own account
 * and what a pod finds of itself. It sees the account's folder in a mount namespace of its own, so it takes root.
 */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { agentRights } from "@heddle/agent/rights";
import {
  type GivenValues,
  INSTALL_NAMESPACE,
  installationObjects,
  type KubernetesObject,
  valuesOf,
} from "@heddle/kube";
import { freePorts } from "../../../agent/src/testing/free-ports.ts";
import { AGENT_MAIN, bundleAgent } from "../../../infra/images/agent/bundle.ts";
import { end, until } from "../../harness/plane-process.ts";
import { type ProcessUsage, usageOfTree } from "../../harness/process-usage.ts";
import { administrator } from "./api.ts";
import type { ApiServerAlone } from "./api-server-alone.ts";
import { settingsOf } from "./own-images.ts";

const ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount";
const READY_WITHIN_MS = 120_000;
/** `/run` is where the account's folder is to be, and nothing else of it is needed. */
const IN_A_POD = `mount -t tmpfs tmpfs /run && mkdir -p ${ACCOUNT} && cp "$1"/* ${ACCOUNT} && shift && exec "$@"`;

export interface AgentProgram {
  readonly ports: { readonly tls: number; readonly metrics: number };
  /** PEM: what proxies know it by. */
  readonly roots: string;
  /** Of all its processes. */
  usage(): Promise<ProcessUsage[]>;
  /** All that it has logged. */
  output(): Promise<string>;
  close(): Promise<void>;
}

export interface AgentProgramOptions {
  readonly api: ApiServerAlone;
  /** For its bundle, state and log. */
  readonly folder: string;
  readonly values?: GivenValues;
}

/** Applies the definitions and rights of an installation, starts its agent, and resolves when it is ready. */
export async function startAgentProgram(options: AgentProgramOptions): Promise<AgentProgram> {
  const { api, folder } = options;
  const [app, account] = [path.join(folder, "app"), path.join(folder, "account")];
  const values = valuesOf(options.values ?? {});
  const installation = { values, namespace: INSTALL_NAMESPACE };
  const { definitions, namespace, agent } = installationObjects(installation, agentRights());
  const deployment = agent.find(({ kind }) => kind === "Deployment");
  if (deployment === undefined) throw new Error("an installation without an agent");
  await Promise.all([
    api.kubectl.apply(...definitions, namespace).then(() => api.kubectl.apply(...agent)),
    bundleAgent(app),
    mkdir(account, { recursive: true }),
  ]);
  const { server, options: credentials } = await administrator(api.kubeconfig);
  const token = await api.kubectl(
    ...["create", "token", "heddle-agent", "--namespace", INSTALL_NAMESPACE, "--duration=24h"],
  );
  await writeFile(path.join(account, "token"), token.trim());
  await writeFile(path.join(account, "ca.crt"), credentials.ca);

  const [tls = 0, metrics = 0, otlp = 0, webhook = 0] = await freePorts(4);
  const moved: Readonly<Record<string, string>> = {
    metrics: `127.0.0.1:${metrics}`,
    otlp: `127.0.0.1:${otlp}`,
    webhook: `127.0.0.1:${webhook}`,
    state: path.join(folder, "state"),
  };
  const args = argumentsOf(deployment).map((argument) => {
    const name = /^--([^=]+)=/.exec(argument)?.[1] ?? "";
    return moved[name] === undefined ? argument : `--${name}=${moved[name]}`;
  });
  const { flags, env } = await settingsOf("agent");
  const log = path.join(folder, "agent.log");
  const child = spawn(
    "unshare",
    [
      ...["--mount", "sh", "-c", IN_A_POD, "sh", account],
      ...[process.execPath, ...flags, path.join(app, AGENT_MAIN)],
      ...[...args, `--xds-tls=127.0.0.1:${tls}`],
    ],
    {
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        ...Object.fromEntries(env.map((each) => each.split(/=(.*)/s).slice(0, 2))),
        PATH: process.env["PATH"],
        POD_NAME: "heddle-agent-1",
        POD_NAMESPACE: INSTALL_NAMESPACE,
        KUBERNETES_SERVICE_HOST: server.hostname,
        KUBERNETES_SERVICE_PORT: server.port,
      },
    },
  );
  child.stderr.pipe(createWriteStream(log));
  const output = () => readFile(log, "utf8").catch(() => "");
  const close = () => end(child, "SIGTERM");
  const ready = async () => {
    if (child.exitCode !== null) throw new Error(`the agent has ended:\n${await output()}`);
    const answer = await fetch(`http://127.0.0.1:${metrics}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  };
  try {
    await until(ready, READY_WITHIN_MS, () => `an agent that is ready; see ${log}`);
    const base64 = await api.kubectl(
      ...["get", "secret", "heddle-agent-ca", "--namespace", INSTALL_NAMESPACE],
      ...["-o", String.raw`jsonpath={.data.ca\.crt}`],
    );
    const roots = Buffer.from(base64, "base64").toString();
    const usage = () => usageOfTree(child.pid ?? 0);
    return { ports: { tls, metrics }, roots, usage, output, close };
  } catch (error) {
    await close();
    throw new Error(`${String(error)}\n${await output()}`, { cause: error });
  }
}

function argumentsOf(deployment: KubernetesObject): readonly string[] {
  const { template } = deployment["spec"] as {
    template: { spec: { containers: readonly [{ args: readonly string[] }] } };
  };
  return template.spec.containers[0].args;
}
