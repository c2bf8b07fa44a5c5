/** A real agent on a folder of files, and the bootstraps of Envoys that it serves. */
import { spawn } from "node:child_process";
import path from "node:path";
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { bootstrap } from "@heddle/translate";
import { ROOT } from "./demo-process.ts";
import { end, until } from "./plane-process.ts";

/** Where a sidecar takes its workload's requests. */
export const PROXY_PORT = 15001;

/** On a machine that is busy with other tests a process of its own takes a while to be there. */
const START_LIMIT_MS = 90_000;

export interface Workload {
  readonly name: string;
  readonly type: "sidecar" | "router";
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Its connections are led to its Envoy; else its application asks the Envoy itself. */
  readonly intercepted?: boolean;
}

/** As Kubernetes has it: a pod's status and a slice's endpoints stand beside its spec. */
export function documentOf(object: { readonly kind: string; readonly spec: unknown }): object {
  const { spec, ...rest } = object;
  if (object.kind === "EndpointSlice" || object.kind === "Secret")
    return { ...rest, ...(spec as object) };
  if (object.kind !== "Pod") return object;
  const { status, ...of } = spec as { status: unknown };
  return { ...rest, spec: of, status };
}

export function workloadBootstrap(
  { name, type, address, labels, intercepted = false }: Workload,
  agent: string,
): Bootstrap {
  return bootstrap({
    node: {
      id: `${type}~${address}~${name}.default~default.svc.cluster.local`,
      cluster: `${name}.default`,
      metadata: {
        NAMESPACE: "default",
        LABELS: { ...labels },
        SERVICE_ACCOUNT: name,
        INSTANCE_IPS: address,
        INTERCEPTION_MODE: intercepted ? "REDIRECT" : "NONE",
        ...(type === "sidecar" && !intercepted
          ? { HTTP_PROXY_PORT: String(PROXY_PORT), APP_ADDRESS: applicationAddress(address) }
          : {}),
      },
    },
    xds: { address: agent, port: 15010 },
    // Nobody listens: logs and spans are another test's concern.
    otlp: { address: agent, port: 4 },
    admin: { address, port: 15000 },
  }) as Bootstrap;
}

/** Resolves when it is ready; `folder` keeps its state, and `flags` are further ones. */
export async function startFileAgent(
  folder: string,
  config: string,
  address: string,
  flags: readonly string[] = [],
) {
  const child = spawn(process.execPath, [
    path.join(ROOT, "apps/cli/src/main.ts"),
    ...["agent", "--standalone", "--config", config, "--state", path.join(folder, "state")],
    ...["--xds", `${address}:15010`, "--metrics", `${address}:15014`, "--roles", "control"],
    ...flags,
  ]);
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await until(
    async () => {
      const ready = await fetch(`http://${address}:15014/readyz`).catch(() => undefined);
      return ready?.ok === true;
    },
    START_LIMIT_MS,
    () => `the agent\n${output}`,
  );
  return {
    output: () => output,
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
  };
}

/** Where the application of a sidecar's workload listens: `127.71.0.2` → `127.71.1.2`. */
export function applicationAddress(address: string): string {
  const [a, b, c, d] = address.split(".");
  return [a, b, Number(c) + 1, d].join(".");
}
