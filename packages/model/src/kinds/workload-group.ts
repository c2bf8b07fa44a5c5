/** WorkloadGroup of networking.istio.io: what WorkloadEntries of one kind have in common. */
import type { WorkloadEntry } from "./workload-entry.ts";

export interface WorkloadGroup {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** Fields that its entries have where they say nothing themselves. */
  readonly template: WorkloadEntry;
  readonly probe?: ReadinessProbe;
}

/** Times in seconds. */
export interface ReadinessProbe {
  readonly initialDelaySeconds?: number;
  readonly timeoutSeconds?: number;
  readonly periodSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number;
    readonly host?: string;
    readonly scheme?: "HTTP" | "HTTPS" | "";
    readonly httpHeaders?: readonly { readonly name?: string; readonly value?: string }[];
  };
  readonly tcpSocket?: { readonly host?: string; readonly port: number };
  readonly exec?: { readonly command: readonly string[] };
  readonly grpc?: { readonly port?: number; readonly service?: string };
}
