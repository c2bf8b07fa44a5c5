/** etcd and the API server, and what runs beside them in a whole cluster: the controllers and the scheduler. */
import path from "node:path";
import { askApi } from "./api.ts";
import type { Program } from "./recorded.ts";
import { comesUp } from "./wait.ts";

export interface ControlPlane {
  readonly state: string;
  /** The folder of Kubernetes' programs. */
  readonly binaries: string;
  /** Where the API server listens, and which address it tells pods; `advertise` is none where there are no pods. */
  readonly api: { readonly bind: string; readonly advertise?: string; readonly port: number };
  /** etcd's ports on loopback, for clients and for peers. */
  readonly etcd: { readonly client: number; readonly peer: number };
  readonly services: string;
}

export function kubeconfigOf(state: string, client = "admin"): string {
  return path.join(state, "credentials", `${client}.kubeconfig`);
}

export function etcd({ state, etcd: ports }: Pick<ControlPlane, "state" | "etcd">): Program {
  const clients = `http://127.0.0.1:${ports.client}`;
  const peers = `http://127.0.0.1:${ports.peer}`;
  return {
    name: "etcd",
    command: "etcd",
    args: [
      ...["--name", "etcd", "--data-dir", path.join(state, "etcd")],
      ...["--listen-client-urls", clients, "--advertise-client-urls", clients],
      ...["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers],
      ...["--initial-cluster", `etcd=${peers}`],
      // Its data is not to outlive the machine.
      "--unsafe-no-fsync",
    ],
  };
}

export function apiServer(plane: ControlPlane): Program {
  const { state, binaries, api } = plane;
  const credential = (name: string) => path.join(state, "credentials", name);
  return {
    name: "apiserver",
    command: path.join(binaries, "kube-apiserver"),
    args: [
      ...["--etcd-servers", `http://127.0.0.1:${plane.etcd.client}`],
      ...["--bind-address", api.bind, "--secure-port", String(api.port)],
      ...(api.advertise === undefined
        ? ["--endpoint-reconciler-type", "none"]
        : ["--advertise-address", api.advertise]),
      ...["--service-cluster-ip-range", plane.services],
      ...["--tls-cert-file", credential("apiserver.crt")],
      ...["--tls-private-key-file", credential("apiserver.key")],
      ...["--client-ca-file", credential("ca.crt")],
      ...["--authorization-mode", "Node,RBAC", "--enable-admission-plugins", "NodeRestriction"],
      ...["--service-account-issuer", "https://kubernetes.default.svc.cluster.local"],
      ...["--service-account-key-file", credential("sa.pub")],
      ...["--service-account-signing-key-file", credential("sa.key")],
      // Logs and exec: the node's name means nothing outside of the cluster.
      ...["--kubelet-preferred-address-types", "InternalIP"],
      ...["--kubelet-certificate-authority", credential("ca.crt")],
      ...["--kubelet-client-certificate", credential("apiserver-kubelet-client.crt")],
      ...["--kubelet-client-key", credential("apiserver-kubelet-client.key")],
      // APIs that pods add.
      "--enable-aggregator-routing=true",
      ...["--requestheader-client-ca-file", credential("front-proxy-ca.crt")],
      ...["--requestheader-allowed-names", "front-proxy-client"],
      ...["--requestheader-username-headers", "X-Remote-User"],
      ...["--requestheader-group-headers", "X-Remote-Group"],
      ...["--requestheader-extra-headers-prefix", "X-Remote-Extra-"],
      ...["--proxy-client-cert-file", credential("front-proxy-client.crt")],
      ...["--proxy-client-key-file", credential("front-proxy-client.key")],
      "--allow-privileged=true",
      "--profiling=false",
    ],
  };
}

export function controllers({ state, binaries }: ControlPlane): Program {
  const credential = (name: string) => path.join(state, "credentials", name);
  return {
    name: "controllers",
    command: path.join(binaries, "kube-controller-manager"),
    args: [
      ...["--kubeconfig", kubeconfigOf(state, "controllers")],
      ...["--service-account-private-key-file", credential("sa.key")],
      ...["--root-ca-file", credential("ca.crt")],
      ...["--cluster-signing-cert-file", credential("ca.crt")],
      ...["--cluster-signing-key-file", credential("ca.key")],
      "--use-service-account-credentials=true",
      "--leader-elect=false",
    ],
  };
}

export function scheduler({ state, binaries }: ControlPlane): Program {
  return {
    name: "scheduler",
    command: path.join(binaries, "kube-scheduler"),
    args: ["--kubeconfig", kubeconfigOf(state, "scheduler"), "--leader-elect=false"],
  };
}

export function apiServerReady(state: string): Promise<void> {
  return comesUp(state, "the API server", "apiserver", async () => {
    const { status, body } = await askApi(kubeconfigOf(state), "/readyz?verbose=true");
    if (status === 200) return undefined;
    const failed = body.split("\n").filter((line) => line.startsWith("[-]"));
    return failed.length > 0 ? failed.join(" ") : `${status} ${body}`;
  });
}
