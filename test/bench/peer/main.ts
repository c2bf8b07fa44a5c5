/**
 * Our agent beside istiod: the same objects in the same API server, the same clients, in one run, in turn.
 * `./heddle --run bench peer --help` has its flags.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  createKubernetesClient,
  type KubernetesClient,
  openAccess,
} from "@heddle/agent/kubernetes";
import { definitionObjects } from "@heddle/kube";
import { fail } from "../../../apps/cli/src/output/fail.ts";
import { bundleAgent } from "../../../infra/images/agent/bundle.ts";
import { startApiServerAlone } from "../../cluster/harness/api-server-alone.ts";
import { buildKubernetes } from "../../cluster/harness/components.ts";
import { killRecorded } from "../../cluster/harness/recorded.ts";
import { startAgent } from "./agent.ts";
import { buildClients } from "./clients.ts";
import { type ControlPlane, controlPlane } from "./control-plane.ts";
import { buildIstiod, ISTIO_NAMESPACE, startIstiod } from "./istiod.ts";
import { changeRoute, makeServices } from "./mesh.ts";
import { HELP, type Plan, planOf } from "./plan.ts";
import { sizeOf, writeResults } from "./results.ts";
import { measureRound, measureRoutes, type Round } from "./rounds.ts";
import { type Results, rowsOf, type Side, type Sized } from "./rows.ts";
import { measureColdStart, measureCommands } from "./starts.ts";
import { plainTable } from "./table.ts";

const say = (line: string) => console.error(`heddle: ${line} …`);

interface Bench {
  readonly plan: Plan;
  readonly folder: string;
  readonly bundle: string;
  /** The program. */
  readonly clients: string;
  /** Ended, the last of them first, when all is measured or something fails. */
  readonly closing: (() => Promise<unknown>)[];
}

try {
  const plan = planOf(process.argv.slice(2));
  if (plan === "help") console.log(HELP);
  else if (plan === "skip")
    console.log("skipped: no Kubernetes is in the cache; `./heddle --run cluster build` builds it");
  else if (plan.buildOnly) await build(plan);
  else await main(plan);
} catch (error) {
  fail(error);
}

async function build({ peer }: Plan): Promise<void> {
  await buildKubernetes(say);
  await buildClients(say);
  if (peer) await buildIstiod(say);
}

async function main(plan: Plan): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "heddle-bench-"));
  const closing: Bench["closing"] = [() => rm(folder, { recursive: true, force: true })];
  const end = async () => {
    for (const step of closing.splice(0).toReversed()) await step();
  };
  // What is measured fails when it is ended under way: who hears of that waits until all of it is.
  let ended: Promise<void> | undefined;
  const close = () => (ended ??= end());
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void close().finally(() => process.exit(1)));
  try {
    const [bundle, clients] = [path.join(folder, "bundle"), await buildClients(say)];
    await bundleAgent(bundle);
    const results = await measure({ plan, folder, bundle, clients, closing });
    const rows = rowsOf(results);
    console.log(`${sizeOf(plan.load)}, ${plan.load.rounds} rounds\n\n${plainTable(rows)}`);
    if (plan.output !== undefined) {
      const page = await writeResults(plan.output, plan.load, rows);
      console.log(`\n${path.relative(process.cwd(), page)}`);
    }
  } finally {
    await close();
  }
}

async function measure(bench: Bench): Promise<Results> {
  const { plan, folder } = bench;
  const { load, large, scenarios } = plan;
  const starts = [];
  if (scenarios.has("commands")) {
    say("measuring commands");
    starts.push(...(await measureCommands(load, path.join(folder, "plane"))));
  }
  if (scenarios.has("cold-start")) {
    say("measuring the agent's start");
    starts.unshift(await measureColdStart(load, path.join(folder, "cold"), bench));
  }
  if (!sidesOf(plan).length && !scenarios.has("growth")) return { load, rounds: {}, starts };

  const { api, kubeconfig } = await startMesh(bench);
  const growing = scenarios.has("growth");
  await makeServices(api, 0, 1);
  const from = growing ? await sized(bench, api, kubeconfig, 1) : undefined;
  say(`making ${load.services} services`);
  await makeServices(api, 1, load.services);
  const rounds = await sides(bench, api, kubeconfig);
  if (!from) return { load, rounds, starts };
  say(`making ${large - load.services} services more`);
  await makeServices(api, load.services, large);
  const growth = { from, to: await sized(bench, api, kubeconfig, large) };
  return { load, rounds, starts, growth };
}

/** An API server with Istio's kinds, and a VirtualService. */
async function startMesh({
  folder,
  closing,
}: Bench): Promise<{ api: KubernetesClient; kubeconfig: string }> {
  say("starting the API server");
  const state = path.join(folder, "api");
  // Before it is up: its processes outlive this one.
  closing.push(async () => {
    for (const name of ["apiserver", "etcd"]) await killRecorded(state, name);
  });
  const server = await startApiServerAlone(state, say);
  const { kubeconfig } = server;
  await server.kubectl.apply(...definitionObjects(), {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: ISTIO_NAMESPACE },
  });
  await server.kubectl("wait", "--for=condition=Established", "crd", "--all");
  const access = await openAccess({ kubeconfig, context: undefined });
  const api = createKubernetesClient(access);
  await changeRoute(api).make();
  return { api, kubeconfig };
}

/** Rounds of each side, in turn: while one is measured the others stand still. */
async function sides(
  bench: Bench,
  api: KubernetesClient,
  kubeconfig: string,
): Promise<Results["rounds"]> {
  const { plan, closing } = bench;
  const planes: Partial<Record<Side, ControlPlane>> = {};
  const rounds: Partial<Record<Side, Round[]>> = {};
  const all = sidesOf(plan);
  for (const side of all) {
    say(`starting ${side === "istiod" ? side : `our agent, ${side}`}`);
    const plane = await start(bench, kubeconfig, side);
    closing.push(() => plane.close());
    await plane.settled();
    plane.pause();
    [planes[side], rounds[side]] = [plane, []];
  }
  for (let nth = 0; nth < plan.load.rounds; nth++)
    for (const side of [...all.slice(nth % all.length), ...all.slice(0, nth % all.length)]) {
      say(`round ${nth + 1}, ${side}`);
      const plane = planes[side]!;
      plane.resume();
      const round = await measureRound(plane, api, loadOf(bench, plan.load.services, side));
      rounds[side]!.push(round);
      console.error(briefly(round));
      plane.pause();
    }
  for (const plane of Object.values(planes)) await plane.close();
  return rounds;
}

/** One route changed, on demand, with an agent of its own in a mesh of that size. */
async function sized(
  bench: Bench,
  api: KubernetesClient,
  kubeconfig: string,
  services: number,
): Promise<Sized> {
  say(`measuring with ${services} services, on demand`);
  const plane = await start(bench, kubeconfig, "onDemand", `of-${services}`);
  bench.closing.push(() => plane.close());
  await plane.settled();
  const load = loadOf(bench, services, "onDemand");
  const ms = await measureRoutes(plane, api, load, bench.plan.load.rounds);
  await plane.close();
  return { services, ms };
}

async function start(
  { folder, bundle, plan }: Bench,
  kubeconfig: string,
  side: Side,
  name: string = side,
): Promise<ControlPlane> {
  const own = path.join(folder, name);
  if (side === "istiod") return startIstiod(kubeconfig, own, say);
  const source = ["--kubeconfig", kubeconfig];
  const { nodeFlags } = plan;
  return controlPlane(await startAgent({ bundle, folder: own, source, nodeFlags }));
}

function loadOf({ plan, clients }: Bench, services: number, side: Side) {
  const { load } = plan;
  const onDemand = side === "onDemand" ? load.onDemand : undefined;
  return { program: clients, clients: load.clients, services, onDemand };
}

function sidesOf({ scenarios, peer }: Plan): Side[] {
  const ours: Side[] = [
    ...(scenarios.has("plain") ? (["plain"] as const) : []),
    ...(scenarios.has("on-demand") ? (["onDemand"] as const) : []),
  ];
  return ours.length > 0 && peer ? [...ours, "istiod"] : ours;
}

function briefly({ configured, route, endpoint, residentBytes }: Round): string {
  const costs = Object.entries({ configured, route, endpoint }).map(
    ([work, { ms, cpuMs, bytes }]) =>
      `${work} ${ms.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms of CPU, ${(bytes / 1e6).toFixed(2)} MB`,
  );
  return `  ${[...costs, `resident ${(residentBytes / 1e6).toFixed(0)} MB`].join("; ")}`;
}
