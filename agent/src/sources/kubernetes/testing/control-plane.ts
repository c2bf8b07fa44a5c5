/** For tests: a real etcd and a real API server on loopback, killed and started again as a test asks. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { cacheDirectory } from "../../../../../apps/cli/src/local/cache-directory.ts";
import { etcd as etcdProgram } from "../../../../../test/cluster/harness/control-plane.ts";
import { KUBERNETES_VERSION } from "../../../../../test/cluster/harness/versions.ts";
import { freePorts } from "../../../testing/free-ports.ts";

const built = path.join(cacheDirectory(), "kubernetes", KUBERNETES_VERSION, "kube-apiserver");
if (!existsSync(built) && process.env["CI"])
  throw new Error("There is no API server, and CI needs one: ./heddle --run cluster build");

/** The API server's program, as `./heddle --run cluster build` leaves it; undefined where this machine has none. */
export const apiServerBinary: string | undefined = existsSync(built) ? built : undefined;

/** The user that tests give rights to. */
export const AGENT_USER = "agent";
const AGENT = "agent-token";
/** May do all. */
const ADMIN = "admin-token";

/** Asks as administrator. Rejects where nobody answers. */
export type Asking = (method: string, path: string, body?: object) => Promise<Answer>;
export interface Answer {
  readonly status: number;
  readonly body: { readonly [field: string]: unknown };
}

export interface ControlPlane {
  /** A kubeconfig file of the administrator. */
  readonly kubeconfig: string;
  /** Another one, of `AGENT_USER`. */
  readonly agentKubeconfig: string;
  /** What a pod finds of itself: its environment, and the folder of its account, which is `AGENT_USER`'s. */
  readonly pod: { readonly env: Readonly<Record<string, string>>; readonly account: string };
  readonly ask: Asking;
  /** What `AGENT_USER` has asked for and was given: `verb resource.group`. */
  asked(): Promise<Set<string>>;
  /** SIGKILL. */
  killApiServer(): Promise<void>;
  startApiServer(): Promise<void>;
  /**
   * Runs another API server on the same data for as long as `change` takes. It is given a way to ask that one, and one to
   * make etcd forget all that was before: watches from older places get 410.
   */
  whileElsewhere(
    change: (ask: Asking, compact: () => Promise<void>) => Promise<void>,
  ): Promise<void>;
  close(): Promise<void>;
}

export async function startControlPlane(): Promise<ControlPlane> {
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-kubernetes-"));
  const [port = 0, otherPort = 0, client = 0, peer = 0] = await freePorts(4);
  const { command, args } = etcdProgram({ state: folder, etcd: { client, peer } });
  const etcd = { url: `http://127.0.0.1:${client}`, process: start(command, args) };
  await writeTokens(folder);
  let server: ChildProcess | undefined;
  const ask = asking(port);
  const account = path.join(folder, "account");
  const plane: ControlPlane = {
    kubeconfig: await writeKubeconfig(folder, port, "admin", ADMIN),
    agentKubeconfig: await writeKubeconfig(folder, port, AGENT_USER, AGENT),
    pod: {
      account,
      env: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(port) },
    },
    ask,
    asked: () => readAudit(path.join(folder, "audit.log")),
    killApiServer: () => kill(server),
    async startApiServer() {
      server = await startApiServer(folder, etcd.url, port);
    },
    async whileElsewhere(change) {
      const other = await startApiServer(folder, etcd.url, otherPort);
      const askOther = asking(otherPort);
      await change(askOther, () => compact(etcd.url, askOther)).finally(() => kill(other));
    },
    async close() {
      await kill(server);
      await kill(etcd.process);
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await plane.startApiServer();
    await mkdir(account);
    await writeFile(path.join(account, "token"), AGENT);
    await copyFile(path.join(folder, "certs/apiserver.crt"), path.join(account, "ca.crt"));
  } catch (error) {
    await plane.close();
    throw error;
  }
  return plane;
}

/** Resolves when it is ready. */
async function startApiServer(folder: string, etcd: string, port: number): Promise<ChildProcess> {
  const key = path.join(folder, "sa.key");
  const server = start(apiServerBinary ?? "kube-apiserver", [
    ...["--etcd-servers", etcd, "--service-cluster-ip-range", "10.96.0.0/16"],
    ...["--service-account-key-file", key, "--service-account-signing-key-file", key],
    ...["--service-account-issuer", "https://kubernetes.default.svc"],
    ...["--authorization-mode", "RBAC", "--token-auth-file", path.join(folder, "tokens.csv")],
    ...["--secure-port", String(port), "--bind-address", "127.0.0.1"],
    ...["--endpoint-reconciler-type", "none", "--cert-dir", path.join(folder, "certs")],
    ...["--audit-policy-file", path.join(folder, "audit.json")],
    ...["--audit-log-path", path.join(folder, "audit.log")],
    // There are no controllers: nobody would make a namespace's account.
    ...["--disable-admission-plugins", "ServiceAccount"],
  ]);
  const ask = asking(port);
  const end = Date.now() + 120_000;
  while ((await ask("GET", "/readyz").catch(() => undefined))?.status !== 200) {
    if (Date.now() > end || server.exitCode !== null) {
      await kill(server);
      throw new Error("the API server does not come up");
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return server;
}

function asking(port: number): Asking {
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  const ask = (method: string, to: string, body?: object) =>
    new Promise<Answer>((resolve, reject) => {
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const call = request(
        `https://127.0.0.1:${port}${to}`,
        {
          ...{ method, agent, rejectUnauthorized: false },
          headers: { authorization: `Bearer ${ADMIN}`, "content-type": type },
        },
        (response) => {
          let text = "";
          response.on("data", (chunk) => (text += chunk));
          response.on("error", reject);
          response.on("end", () => {
            const isJson = text.startsWith("{");
            const answer = isJson ? (JSON.parse(text) as Answer["body"]) : { text };
            resolve({ status: response.statusCode ?? 0, body: answer });
          });
        },
      );
      // A connection of before the server was killed.
      call.on("error", (error) =>
        call.reusedSocket ? ask(method, to, body).then(resolve, reject) : reject(error),
      );
      call.end(body && JSON.stringify(body));
    });
  return ask;
}

/** Of etcd's data up to now only the newest value of each key stays. */
async function compact(etcd: string, ask: Asking): Promise<void> {
  const { body } = await ask("GET", "/api/v1/namespaces?limit=1");
  const { resourceVersion } = body["metadata"] as { resourceVersion: string };
  const response = await fetch(`${etcd}/v3/kv/compaction`, {
    method: "POST",
    body: JSON.stringify({ revision: resourceVersion, physical: true }),
  });
  if (!response.ok) throw new Error(`etcd does not compact: ${await response.text()}`);
}

async function writeTokens(folder: string): Promise<void> {
  await mkdir(path.join(folder, "certs"));
  const key = path.join(folder, "sa.key");
  execFileSync("openssl", ["genrsa", "-out", key, "2048"], { stdio: "ignore" });
  const lines = [`${ADMIN},admin,admin,system:masters`, `${AGENT},${AGENT_USER},${AGENT_USER}`];
  await writeFile(path.join(folder, "tokens.csv"), `${lines.join("\n")}\n`);
  const rules = [{ level: "Metadata", users: [AGENT_USER] }, { level: "None" }];
  const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules };
  await writeFile(path.join(folder, "audit.json"), JSON.stringify(policy));
}

async function readAudit(file: string): Promise<Set<string>> {
  const asked = new Set<string>();
  for (const line of (await readFile(file, "utf8")).split("\n")) {
    if (line === "") continue;
    const { verb, objectRef, responseStatus } = JSON.parse(line) as AuditEvent;
    if (!objectRef || responseStatus?.code !== 200) continue;
    const { resource, apiGroup } = objectRef;
    asked.add(`${verb} ${resource}${apiGroup ? `.${apiGroup}` : ""}`);
  }
  return asked;
}

interface AuditEvent {
  readonly verb: string;
  readonly objectRef?: { readonly resource: string; readonly apiGroup?: string };
  readonly responseStatus?: { readonly code: number };
}

async function writeKubeconfig(
  folder: string,
  port: number,
  user: string,
  token: string,
): Promise<string> {
  const file = path.join(folder, `${user}.kubeconfig`);
  const cluster = { server: `https://127.0.0.1:${port}`, "insecure-skip-tls-verify": true };
  const config = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "test" },
    clusters: [{ name: "test", cluster }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user } }],
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}

function start(command: string, args: readonly string[]): ChildProcess {
  return spawn(command, args, { stdio: "ignore" });
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}
