/** The clients of both control planes: one program in Go, since it must not be what the measurement waits for. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { askedTable } from "@heddle/translate";
import { built, type Say } from "../../cluster/harness/components.ts";
import { go, goFlags } from "../../cluster/harness/go-build.ts";
import { end } from "../../harness/plane-process.ts";
import { CHANGED_SERVICES, hostOf, NAMESPACE, PORT } from "./mesh.ts";

const SOURCES = path.join(import.meta.dirname, "clients");
const LONG_MS = 300_000;

/** Milliseconds since 1970, of the first client, the one in the middle and the last. */
export interface Times {
  readonly first: number;
  readonly median: number;
  readonly last: number;
}

export interface Counts {
  /** Of messages, without frames and headers. */
  readonly bytes: number;
  readonly messages: number;
}

export interface Clients {
  /** All hold all that they asked for. `started` is when the first of them connected. */
  readonly ready: Promise<Times & { readonly started: number }>;
  /** Looks for the marker from when it resolves; `seen` resolves when all hold a resource that has it. */
  watch(marker: string): Promise<{ readonly seen: Promise<Times> }>;
  /** Of all together, since they began. */
  count(): Promise<Counts>;
  close(): Promise<void>;
}

export interface ClientsOptions {
  readonly program: string;
  readonly address: string;
  readonly clients: number;
  /** Services of the mesh. */
  readonly services: number;
  /** Services that each client asks for; undefined: it takes all that there is. */
  readonly onDemand: number | undefined;
}

export async function buildClients(say: Say): Promise<string> {
  const hash = createHash("sha256");
  for (const file of (await readdir(SOURCES)).toSorted())
    hash.update(file).update(await readFile(path.join(SOURCES, file)));
  const version = hash.digest("hex").slice(0, 16);
  const name = "bench-clients";
  const folder = await built(name, version, say, async (into) => {
    await go(SOURCES, "build", ...goFlags(), "-o", path.join(into, name), ".");
  });
  return path.join(folder, name);
}

/** Every promise rejects where a client is answered wrongly. Streams that end are printed, and opened anew. */
export function startClients(options: ClientsOptions): Clients {
  const child = spawn(options.program, { stdio: ["pipe", "pipe", "inherit"] });
  const events = eventsOf(child);
  const say = (line: object) => void child.stdin.write(`${JSON.stringify(line)}\n`);
  const ready = events.next("ready") as Clients["ready"];
  say(planOf(options));
  return {
    ready,
    async watch(marker) {
      const watching = events.next("watching");
      const seen = events.next("seen") as Promise<Times>;
      seen.catch(() => {});
      say({ watch: marker });
      await watching;
      return { seen };
    },
    count() {
      const counted = events.next("count") as Promise<Counts>;
      say({ count: true });
      return counted;
    },
    close: () => end(child, "SIGTERM"),
  };
}

/** What the program says, by event: each is waited for once. */
function eventsOf(child: ChildProcess) {
  const waiting = new Map<string, { resolve(said: object): void; reject(error: Error): void }>();
  let failure: Error | undefined;
  const fail = (why: string) => {
    failure ??= new Error(why);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const said = JSON.parse(line) as { readonly event: string; readonly why?: string };
    if (said.event === "failed") fail(`a client: ${said.why}`);
    if (said.event === "ended") console.error(`  a client's stream ended: ${said.why}`);
    waiting.get(said.event)?.resolve(said);
    waiting.delete(said.event);
  });
  child.on("exit", () => fail("the clients have ended"));
  return {
    next: (event: string): Promise<object> =>
      new Promise((resolve, reject) => {
        if (failure) return reject(failure);
        const late = setTimeout(
          () => fail(`no ${event} of the clients within ${LONG_MS / 1000} s`),
          LONG_MS,
        );
        const done =
          <T>(then: (value: T) => void) =>
          (value: T) => {
            clearTimeout(late);
            then(value);
          };
        waiting.set(event, { resolve: done(resolve), reject: done(reject) });
      }),
  };
}

/** As the program reads it. */
function planOf({ address, clients, services, onDemand }: ClientsOptions): object {
  const wanted = Math.min(onDemand ?? 0, services);
  const table = String(PORT);
  return {
    ...{ address, assignments: onDemand === undefined ? services : wanted },
    route: onDemand === undefined ? table : askedTable(table),
    metadata: {
      ...{ NAMESPACE, CLUSTER_ID: "Kubernetes", ISTIO_VERSION: "1.30.0" },
      ...{ LABELS: { app: "client" }, SERVICE_ACCOUNT: "default" },
      ...(onDemand === undefined ? {} : { HEDDLE_ON_DEMAND: "true" }),
    },
    clients: Array.from({ length: clients }, (_, index) => {
      // On the loopback, so that who scrapes them finds nobody, at once.
      const ip = `127.77.${index >> 7}.${(index & 127) + 10}`;
      const id = `sidecar~${ip}~client-${index}.${NAMESPACE}~${NAMESPACE}.svc.cluster.local`;
      return { id, ip, hosts: hostsOf(index, services, wanted) };
    }),
  };
}

/** The Services that are changed, which all clients have, and as many others as are still wanted: other ones for each client. */
function hostsOf(client: number, services: number, wanted: number): string[] {
  const [own, others] = [wanted - CHANGED_SERVICES, services - CHANGED_SERVICES];
  return Array.from({ length: wanted }, (_, nth) =>
    hostOf(
      nth < CHANGED_SERVICES
        ? nth
        : CHANGED_SERVICES + ((client * own + nth - CHANGED_SERVICES) % others),
    ),
  );
}
