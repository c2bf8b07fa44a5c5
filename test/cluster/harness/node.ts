/** What makes the machine a node: containerd for containers, the kubelet for pods, kube-proxy for Services. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { askApi } from "./api.ts";
import { kubeconfigOf } from "./control-plane.ts";
import { PAUSE_IMAGE } from "./image-names.ts";
import type { Network } from "./network.ts";
import { CNI_PLUGINS } from "./packages.ts";
import type { Program } from "./recorded.ts";
import { entering } from "./room.ts";
import { comesUp } from "./wait.ts";

const run = promisify(execFile);

export const NODE_NAME = "node1";
/** In the cluster's room, whose /run is its own. */
export const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";

export interface Node {
  readonly state: string;
  readonly binaries: string;
  readonly network: Network;
}

export async function containerd({ state, network }: Node): Promise<Program> {
  const plugins = path.join(state, "cni");
  await mkdir(plugins, { recursive: true });
  await writeFile(path.join(plugins, "10-pods.conflist"), JSON.stringify(podNetwork(network)));
  const config = path.join(state, "containerd.toml");
  // `restrict_oom_score_adj`: without CAP_SYS_RESOURCE runc dies where a lower score is asked for.
  await writeFile(
    config,
    `version = 2
root = "${path.join(state, "containerd")}"
state = "/run/containerd"
[grpc]
  address = "${CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_PLUGINS}"
    conf_dir = "${plugins}"
`,
  );
  return { name: "containerd", command: "containerd", args: ["--config", config] };
}

/**
 * A pair of interfaces for each pod and no bridge: so what goes from pod to pod passes the node's packet filter, which has to
 * see a Service's answers to turn their addresses back, on every kernel.
 */
function podNetwork({ pods }: Network): object {
  return {
    cniVersion: "0.4.0",
    name: "pods",
    plugins: [
      {
        type: "ptp",
        ipMasq: false,
        ipam: { type: "host-local", ranges: [[{ subnet: pods }]], routes: [{ dst: "0.0.0.0/0" }] },
      },
      { type: "portmap", capabilities: { portMappings: true }, snat: true },
    ],
  };
}

/** Images can be imported. */
export function containerdReady(state: string): Promise<void> {
  return comesUp(state, "containerd", "containerd", async () => {
    const ctr = ["ctr", "--address", CONTAINERD_SOCKET, "--connect-timeout", "1s", "version"];
    return run("nsenter", [...entering(state), ...ctr]).then(
      () => undefined,
      (error: Error) => error.message,
    );
  });
}

export async function kubelet({ state, binaries, network }: Node): Promise<Program> {
  const credential = (name: string) => path.join(state, "credentials", name);
  const config = path.join(state, "kubelet.json");
  await writeFile(
    config,
    JSON.stringify({
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      authentication: {
        anonymous: { enabled: false },
        x509: { clientCAFile: credential("ca.crt") },
      },
      authorization: { mode: "Webhook" },
      tlsCertFile: credential("kubelet.crt"),
      tlsPrivateKeyFile: credential("kubelet.key"),
      containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
      clusterDomain: "cluster.local",
      clusterDNS: [network.dns],
      // The machine's own resolver cannot be reached from the cluster's network.
      resolvConf: "",
      maxPods: 250,
      // The machine's groups of processes are not ours to arrange, nor its swap, nor how full its disk is.
      cgroupDriver: "cgroupfs",
      cgroupsPerQOS: false,
      enforceNodeAllocatable: [],
      failSwapOn: false,
      evictionHard: {
        "memory.available": "1Mi",
        "nodefs.available": "0%",
        "imagefs.available": "0%",
      },
      // Images come from no registry: one that is removed does not come back.
      imageGCHighThresholdPercent: 100,
    }),
  );
  return {
    name: "kubelet",
    command: path.join(binaries, "kubelet"),
    args: [
      ...["--config", config, "--kubeconfig", kubeconfigOf(state, "kubelet")],
      ...["--hostname-override", NODE_NAME, "--node-ip", network.node],
      ...[
        "--node-labels",
        "topology.kubernetes.io/region=region1,topology.kubernetes.io/zone=zone1",
      ],
    ],
  };
}

export async function kubeProxy({ state, binaries, network }: Node): Promise<Program> {
  const config = path.join(state, "kube-proxy.json");
  await writeFile(
    config,
    JSON.stringify({
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "iptables",
      clusterCIDR: network.pods,
      // Tests wait for changes of endpoints; by itself it takes a second to the next.
      iptables: { minSyncPeriod: "100ms" },
      hostnameOverride: NODE_NAME,
      clientConnection: { kubeconfig: kubeconfigOf(state, "kube-proxy") },
      // Limits on connections are the whole machine's.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    }),
  );
  return {
    name: "kube-proxy",
    command: path.join(binaries, "kube-proxy"),
    args: ["--config", config],
  };
}

interface Status {
  readonly status: {
    readonly conditions?: readonly { type: string; status: string; message: string }[];
  };
}

export function nodeReady(state: string): Promise<void> {
  return comesUp(state, `node ${NODE_NAME}`, "kubelet", async () => {
    const { status, body } = await askApi(kubeconfigOf(state), `/api/v1/nodes/${NODE_NAME}`);
    if (status !== 200) return `${status} ${body}`;
    const ready = (JSON.parse(body) as Status).status.conditions?.find(
      ({ type }) => type === "Ready",
    );
    return ready?.status === "True"
      ? undefined
      : (ready?.message ?? "it says nothing of itself yet");
  });
}

/** Pods need one; the controllers make it. */
export function defaultAccountReady(state: string): Promise<void> {
  return comesUp(state, "the service account of namespace default", "controllers", async () => {
    const { status, body } = await askApi(
      kubeconfigOf(state),
      "/api/v1/namespaces/default/serviceaccounts/default",
    );
    return status === 200 ? undefined : `${status} ${body}`;
  });
}
