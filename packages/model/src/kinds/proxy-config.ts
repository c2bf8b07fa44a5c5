/** ProxyConfig of networking.istio.io: how the proxies of workloads are run. */
import type { WorkloadSelector } from "./destination.ts";

export interface ProxyConfig {
  readonly selector?: WorkloadSelector;
  /** Worker threads; 0 is one for each core. */
  readonly concurrency?: number;
  readonly environmentVariables?: Readonly<Record<string, string>>;
  readonly image?: { readonly imageType?: string };
}
