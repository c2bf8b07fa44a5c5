/** Connections to ports on pods' own loopback, through the API server, as `kubectl port-forward` makes them. */
import type { Readable, Writable } from "node:stream";
import type { KubernetesOptions } from "./access.ts";
import { loadKubeconfig } from "./kubeconfig.ts";

export interface Forwarded {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  /** What comes from the pod. */
  readonly output: Writable;
  /** What the kubelet says of it. */
  readonly failure: Writable;
  readonly input: Readable;
}

/** Resolves when the way is open, to how it is closed. Rejects where there is no such pod, or no right to it. */
export type PortForwarding = (forwarded: Forwarded) => Promise<() => void>;

/** `HDL7230` where there is no kubeconfig that names a cluster. */
export async function openPortForwarding(options: KubernetesOptions): Promise<PortForwarding> {
  const { PortForward } = await import("@kubernetes/client-node");
  const forward = new PortForward(await loadKubeconfig(options));
  return async ({ namespace, pod, port, output, failure, input }) => {
    const socket = await forward.portForward(namespace, pod, [port], output, failure, input, 0);
    return () => (typeof socket === "function" ? socket()?.close() : socket.close());
  };
}
