/** What is measured of a control plane with its clients: times, processor time, bytes and memory. */
import type { KubernetesClient } from "@heddle/agent/kubernetes";
import { setTimeout as sleep } from "node:timers/promises";
import { type Clients, type ClientsOptions, startClients, type Times } from "./clients.ts";
import type { ControlPlane } from "./control-plane.ts";
import { type Change, changeEndpoint, changeRoute } from "./mesh.ts";

export interface Cost {
  /** Until the last client has all of it. */
  readonly ms: number;
  /** Of the control plane. */
  readonly cpuMs: number;
  /** Received by all clients together. */
  readonly bytes: number;
}

export interface Round {
  /** All clients, from nothing. */
  readonly configured: Cost;
  readonly route: Cost;
  readonly endpoint: Cost;
  /** With all clients connected. */
  readonly residentBytes: number;
}

/** What comes after the last client has it, such as reading acknowledgements, belongs to the cost. */
const AFTER_MS = 500;

/** Connects clients, makes a change of each kind, and lets them go. Nothing else may run. */
export async function measureRound(
  plane: ControlPlane,
  api: KubernetesClient,
  load: Omit<ClientsOptions, "address">,
): Promise<Round> {
  await plane.settled();
  let clients: Clients | undefined;
  try {
    const configured = await costOf(
      plane,
      () => clients,
      async () => {
        clients = startClients({ ...load, address: plane.address });
        const { started, last } = await clients.ready;
        return last - started;
      },
    );
    const route = await measureChange(plane, clients!, changeRoute(api));
    const endpoint = await measureChange(plane, clients!, changeEndpoint(api));
    await plane.settled();
    return { configured, route, endpoint, residentBytes: await plane.residentBytes() };
  } finally {
    await clients?.close();
  }
}

/** Milliseconds until the last client has a change of a route, `times` over. */
export async function measureRoutes(
  plane: ControlPlane,
  api: KubernetesClient,
  load: Omit<ClientsOptions, "address">,
  times: number,
): Promise<number[]> {
  const clients = startClients({ ...load, address: plane.address });
  try {
    await clients.ready;
    const all: number[] = [];
    for (let nth = 0; nth < times; nth++)
      all.push((await measureChange(plane, clients, changeRoute(api))).ms);
    return all;
  } finally {
    await clients.close();
  }
}

async function measureChange(
  plane: ControlPlane,
  clients: Clients,
  { marker, make }: Change,
): Promise<Cost> {
  await plane.settled();
  const { seen } = await clients.watch(marker);
  return costOf(
    plane,
    () => clients,
    async () => {
      const written = performance.timeOrigin + performance.now();
      const [{ last }] = await Promise.all<[Promise<Times>, Promise<unknown>]>([seen, make()]);
      return last - written;
    },
  );
}

/** `work` resolves to how many milliseconds it took. */
async function costOf(
  plane: ControlPlane,
  clients: () => Clients | undefined,
  work: () => Promise<number>,
): Promise<Cost> {
  const [cpu, before] = [await plane.cpuSeconds(), await clients()?.count()];
  const ms = await work();
  await sleep(AFTER_MS);
  const used = (await plane.cpuSeconds()) - cpu;
  const after = await clients()?.count();
  return { ms, cpuMs: used * 1000, bytes: (after?.bytes ?? 0) - (before?.bytes ?? 0) };
}
