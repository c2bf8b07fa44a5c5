/** What serves the Gateways of a cluster: planned by every replica, made by the leader. */
import type { InjectionMesh, InjectionOptions } from "@heddle/injection";
import type { Diagnostic, MeshObject } from "@heddle/model";
import type { ApiAccess } from "../kubernetes/access.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { Leadership } from "../kubernetes/leader.ts";
import type { AgentLog } from "../log.ts";
import { createApiServer } from "../sources/kubernetes/api.ts";
import { createGatewayPlans } from "./plans.ts";
import { type GatewayWriter, startGatewayWriter } from "./writer.ts";

export interface GatewaysOptions {
  readonly access: ApiAccess;
  readonly client: KubernetesClient;
  readonly leadership: Pick<Leadership, "onLeading">;
  readonly model: { get(key: string): MeshObject | undefined };
  readonly mesh: () => InjectionMesh;
  readonly options: () => InjectionOptions;
  /** Whether options and model are whole by now: nothing is planned before. */
  readonly ready: () => boolean;
  /** Whether all that the plane has is known. */
  readonly whole: () => boolean;
  readonly log: AgentLog;
}

export interface Gateways {
  /** Keys of the model whose objects changed. */
  objectsChanged(keys: readonly string[]): void;
  /** The options are others. */
  optionsChanged(): void;
  diagnostics(): readonly Diagnostic[];
  close(): Promise<void>;
}

export function startGateways(options: GatewaysOptions): Gateways {
  const { access, client, leadership, model, mesh, whole, log } = options;
  let writer: GatewayWriter | undefined;
  const plans = createGatewayPlans({
    ...{ model, mesh, options: options.options, ready: options.ready },
    changed: () => writer?.plansChanged(),
  });
  const stop = leadership.onLeading("gateways", async (signal) => {
    const api = createApiServer(access);
    const own = startGatewayWriter({ api, client, plans: () => plans.all(), whole, log });
    writer = own;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    writer = undefined;
    await own.close();
  });
  return {
    objectsChanged: (keys) => plans.objectsChanged(keys),
    optionsChanged: () => plans.optionsChanged(),
    diagnostics: () => [...plans.diagnostics(), ...(writer?.diagnostics() ?? [])],
    async close() {
      plans.close();
      await stop();
    },
  };
}
