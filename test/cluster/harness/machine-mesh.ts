/** An API server with two agents, each with the rights of an installation, and WorkloadGroups whose machines may come to them. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type AgentLog, parseAgentOptions, type RunningAgent, startAgent } from "@heddle/agent";
import { definedKinds, definitionOf } from "@heddle/kube";
import { parse } from "yaml";
import { serviceDocument } from "../../../agent/src/testing/envoy-pod.ts";
import { until } from "../../harness/plane-process.ts";
import { type ApiServerAlone, startApiServerAlone } from "./api-server-alone.ts";

const RIGHTS = path.resolve(import.meta.dirname, "../../../infra/kubernetes/agent-rbac.yaml");
const LONG = 60_000;
/** How long after its machine an entry goes, milliseconds. */
export const GRACE_MS = 1_000;
/** Of the services `legacy` and `web`. */
export const PORT = 8080;

export interface Entry {
  readonly metadata: {
    readonly uid: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
  readonly spec: object;
}

export interface MachineMesh {
  readonly folder: string;
  readonly api: ApiServerAlone;
  /** The first is told `first`, and machines may be on the loopback there. */
  readonly agents: RunningAgent[];
  /** PEM: what callers know both by. */
  readonly roots: string;
  /** What both have logged. */
  readonly lines: readonly string[];
  tokenOf(account: string): Promise<string>;
  entry(name: string): Promise<Entry | undefined>;
  close(): Promise<void>;
}

export function group(name: string, account: string, more: object = {}, template: object = {}) {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "WorkloadGroup",
    metadata: { name, namespace: "default" },
    spec: {
      metadata: { labels: { app: name } },
      template: {
        ...{ serviceAccount: account, labels: { class: "vm" }, ports: { http: PORT } },
        ...template,
      },
      ...more,
    },
  };
}

/** `objects` are there before the agents; each with the status that stands in it. */
export async function startMachineMesh(
  objects: readonly object[],
  first: object = {},
): Promise<MachineMesh> {
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-machines-"));
  const agents: RunningAgent[] = [];
  let api: ApiServerAlone | undefined;
  const close = async () => {
    for (const agent of agents.toReversed()) await agent.close();
    await api?.down();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const started = (api = await startApiServerAlone(path.join(folder, "api")));
    const { kubectl } = started;
    await prepare(started, objects);
    const kubeconfig = await agentKubeconfig(started, folder);
    const lines: string[] = [];
    const say = (message: string, fields?: object) =>
      void lines.push(`${message} ${JSON.stringify(fields)}`);
    const log: AgentLog = { info: say, warn: say, error: say };
    for (const [name, more] of [
      ["heddle-agent-1", { vmLoopback: true, ...first }],
      ["heddle-agent-2", {}],
    ] as const) {
      const flags = {
        ...{ standalone: true, kubeconfig, state: path.join(folder, name), metrics: "off" },
        ...{ xdsTls: "127.0.0.1:0", roles: "control", vmGrace: `${GRACE_MS}ms`, ...more },
      };
      const env = { POD_NAME: name, POD_NAMESPACE: "heddle-system" };
      agents.push(await startAgent(parseAgentOptions(flags, env), log));
    }
    let roots = "";
    const map = ["get", "configmap", "heddle-agent-identity", "-o"];
    const pem = String.raw`jsonpath={.data.root-cert\.pem}`;
    await until(async () => (roots = await kubectl(...map, pem).catch(() => "")) !== "", LONG);
    return {
      ...{ folder, api: started, agents, roots, lines, close },
      tokenOf: async (account) =>
        (await kubectl("create", "token", account, "--audience=heddle")).trim(),
      async entry(name) {
        const named = ["get", "workloadentry", name, "--ignore-not-found", "-o", "json"];
        const text = await kubectl(...named);
        return text.trim() === "" ? undefined : (JSON.parse(text) as Entry);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function prepare({ kubectl }: ApiServerAlone, objects: readonly object[]): Promise<void> {
  await kubectl.apply(...definedKinds.map(definitionOf));
  const established = ["wait", "--for=condition=established", "crd", "--all", "--timeout=60s"];
  // One that is only just made says nothing of itself yet, which is a failure to kubectl.
  await until(
    () =>
      kubectl(...established).then(
        () => true,
        () => false,
      ),
    LONG,
  );
  await kubectl("create", "namespace", "heddle-system");
  for (const account of ["legacy", "other", "lonely", "web"])
    await kubectl("create", "serviceaccount", account);
  await kubectl.apply(serviceDocument("legacy", PORT), serviceDocument("web", PORT), ...objects);
  for (const each of objects) {
    const { kind, metadata, status } = each as {
      readonly kind: string;
      readonly metadata: { readonly name: string };
      readonly status?: object;
    };
    if (status === undefined) continue;
    const patch = ["--subresource=status", "--type=merge", "-p", JSON.stringify({ status })];
    await kubectl("patch", kind.toLowerCase(), metadata.name, ...patch);
  }
}

/** Of the agents' own account, with the rights of an installation and no others. */
async function agentKubeconfig(api: ApiServerAlone, folder: string): Promise<string> {
  await api.kubectl("apply", "--server-side", "-f", RIGHTS);
  const own = ["create", "token", "heddle-agent", "-n", "heddle-system", "--duration=2h"];
  const token = (await api.kubectl(...own)).trim();
  const config = parse(await readFile(api.kubeconfig, "utf8")) as { users: { user: object }[] };
  for (const each of config.users) each.user = { token };
  const file = path.join(folder, "agent.kubeconfig");
  await writeFile(file, JSON.stringify(config));
  return file;
}
