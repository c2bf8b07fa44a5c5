/** For tests: what kubelet would do to an injected pod before it starts the proxy. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { xdsSecretFiles } from "@heddle/translate";
import { IDENTITY_FOLDER } from "../identity.ts";
import type { Container, EnvironmentVariable } from "../pod.ts";
import { PROXY_CONTAINER } from "../proxy-container.ts";
import { workloadIn } from "../workloads.ts";

export interface PodFacts {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  /** All of its addresses, where there are more. */
  readonly ips?: readonly string[];
  readonly serviceAccount: string;
}

const ANY_POD: PodFacts = {
  name: "pod-1",
  namespace: "default",
  ip: "127.0.0.1",
  serviceAccount: "default",
};

/** Kubernetes' expansion of `$(NAME)`, in which `$$` stands for `$`. */
function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\$|\$\(([^)]+)\)/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (variables.get(name) ?? whole),
  );
}

export function argumentsOf(container: Container, pod: PodFacts): readonly string[] {
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": pod.name,
    "metadata.namespace": pod.namespace,
    "status.podIP": pod.ip,
    "status.podIPs": (pod.ips ?? [pod.ip]).join(","),
    "spec.serviceAccountName": pod.serviceAccount,
    "spec.nodeName": "node-1",
  };
  const valueOf = ({ value, valueFrom }: EnvironmentVariable) =>
    value ??
    fields[(valueFrom as { fieldRef?: { fieldPath: string } })?.fieldRef?.fieldPath ?? ""] ??
    "";
  const variables = new Map((container.env ?? []).map((each) => [each.name, valueOf(each)]));
  return (container.args ?? []).map((argument) => expand(argument, variables));
}

/** A folder in `parent` with what the identity volume would hold. */
export async function identityFolder(
  parent: string,
  roots: string,
  token: string,
): Promise<string> {
  const folder = await mkdtemp(join(parent, "identity-"));
  const files = { "root-cert.pem": roots, token, ...xdsSecretFiles(folder) };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

export function proxyOf(pod: {
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
}): Container | undefined {
  const all = [...(pod.initContainers ?? []), ...(pod.containers ?? [])];
  return all.find(({ name }) => name === PROXY_CONTAINER);
}

interface MadeProxy {
  readonly container: Container;
  readonly bootstrap: unknown;
}

/** The proxies of all that makes pods, with bootstraps as they would be; their files are there for as long as `check` runs. */
export async function withProxiesIn(
  values: readonly unknown[],
  check: (proxy: MadeProxy) => Promise<void>,
): Promise<void> {
  const parent = await mkdtemp(join(tmpdir(), "heddle-injected-"));
  try {
    const folder = await identityFolder(parent, "", "");
    for (const proxy of proxiesIn(values, folder)) await check(proxy);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
}

function proxiesIn(values: readonly unknown[], folder: string): readonly MadeProxy[] {
  const items = values.flatMap((value) => {
    const { items: list } = (value ?? {}) as { items?: unknown[] };
    return Array.isArray(list) ? list : [value];
  });
  return items.flatMap((value) => {
    const template = workloadIn(value, "default")?.template;
    const container = proxyOf(template?.spec ?? {});
    const at = container?.args?.indexOf("--config-yaml") ?? -1;
    if (container === undefined || at < 0) return [];
    const text = argumentsOf(container, ANY_POD)[at + 1] ?? "";
    return [
      { container, bootstrap: JSON.parse(text.replaceAll(IDENTITY_FOLDER, folder)) as unknown },
    ];
  });
}
