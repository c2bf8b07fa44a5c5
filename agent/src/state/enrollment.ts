/** What the agent is to its plane: enrolled once with a join token, kept on disk from then on. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { createClient, HeddleApiError } from "@heddle/client";
import type { ExtensionProvider } from "@heddle/model";
import { publicKeySchema } from "@heddle/sync";
import { AgentError } from "../agent-error.ts";
import type { Leadership } from "../kubernetes/leader.ts";
import type { AgentLog } from "../log.ts";
import type { AgentOptions } from "../options.ts";
import type { SharedState } from "./shared-state.ts";
import type { StateDirectory } from "./state-directory.ts";

const settingsSchema = z.object({
  traceSampling: z.number().optional(),
  accessLog: z.boolean().optional(),
  outboundTrafficPolicy: z.enum(["ALLOW_ANY", "REGISTRY_ONLY"]).optional(),
  rootNamespace: z.string().optional(),
  clusterDomain: z.string().optional(),
  ingressClass: z.string().optional(),
  ingressControllerMode: z.enum(["OFF", "DEFAULT", "STRICT"]).optional(),
  ingressSelector: z.string().optional(),
  ingressService: z.string().optional(),
  trustDomainAliases: z.array(z.string()).optional(),
  onDemand: z.enum(["AUTO", "ALWAYS", "NEVER"]).optional(),
  // The plane has read them; what a newer one knows of them besides does no harm.
  extensionProviders: z.array(z.custom<ExtensionProvider>()).optional(),
});

const membershipSchema = z.object({
  plane: z.string(),
  token: z.string(),
  mesh: z.object({
    id: z.string(),
    name: z.string(),
    trustDomain: z.string(),
    settings: settingsSchema,
  }),
  signingKey: publicKeySchema,
});
/** An agent's membership in a mesh, as it lies in the state directory. */
export type Membership = z.infer<typeof membershipSchema>;

const FILE = "membership.json";
/** How join tokens begin; anything else is taken for an agent's own token. */
const JOIN_PREFIX = "hdlj_";
/** Milliseconds between tries of a first start; the plane may come up after the agent. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 2_000;
/** Milliseconds between looks of a replica that waits for the leader. */
const LEADER_ASKED = 1_000;

/**
 * The membership on disk where there is one of this plane; else enrolls or, with an agent's own token, asks the plane who
 * it is, trying for as long as the plane cannot be reached. `HDL7206` where the plane refuses the token.
 */
export async function joinMesh(
  plane: NonNullable<AgentOptions["plane"]>,
  name: string,
  directory: StateDirectory,
  log: AgentLog,
  signal: AbortSignal,
): Promise<Membership> {
  const kept = await usableMembership(plane, directory);
  if (kept) return kept;
  const membership = await untilReached(() => join(plane, name), log, signal);
  await saveMembership(directory, membership);
  return membership;
}

/** As `joinMesh`, for one of several replicas: the leader joins, and the others take what it has kept in the cluster. */
export async function joinTogether(
  plane: NonNullable<AgentOptions["plane"]>,
  name: string,
  shared: Pick<SharedState, "directory" | "restore" | "save">,
  leadership: Pick<Leadership, "isLeader">,
  log: AgentLog,
): Promise<Membership> {
  const { directory } = shared;
  let told = false;
  for (;;) {
    // Asked first: whoever led before has kept what it has.
    const { isLeader } = leadership;
    const own = await readMembership(directory);
    await shared.restore(own === undefined);
    const kept = await usableMembership(plane, directory);
    if (kept) return kept;
    if (isLeader) {
      const membership = await joinMesh(plane, name, directory, log, new AbortController().signal);
      await shared.save();
      return membership;
    }
    if (!told) log.info("this replica waits for the leader to join the mesh");
    told = true;
    await sleep(LEADER_ASKED);
  }
}

/** What is on disk, where it is of this plane and the plane does not refuse it. */
async function usableMembership(
  plane: NonNullable<AgentOptions["plane"]>,
  directory: StateDirectory,
): Promise<Membership | undefined> {
  const kept = await readMembership(directory);
  return kept?.plane === plane.url && (await stillHolds(kept, plane)) ? kept : undefined;
}

/** The id of the mesh that a kept membership is of; undefined where it is none. */
export function meshOfMembership(text: string | undefined): string | undefined {
  return membershipOf(text)?.mesh.id;
}

export async function saveMembership(
  directory: StateDirectory,
  membership: Membership,
): Promise<void> {
  await directory.write(FILE, JSON.stringify(membership, undefined, 2));
}

async function readMembership(directory: StateDirectory): Promise<Membership | undefined> {
  return membershipOf(await directory.read(FILE));
}

function membershipOf(text: string | undefined): Membership | undefined {
  if (text === undefined) return undefined;
  try {
    return membershipSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** False only where the plane says that the kept token is no longer good; a plane that is away says nothing. */
async function stillHolds(
  kept: Membership,
  plane: NonNullable<AgentOptions["plane"]>,
): Promise<boolean> {
  if (!plane.token.startsWith(JOIN_PREFIX) && plane.token !== kept.token) return false;
  const client = createClient({ baseUrl: kept.plane, token: kept.token, retries: 0 });
  try {
    await client.signingKey(kept.mesh.id, AbortSignal.timeout(1_000));
    return true;
  } catch (error) {
    return !(error instanceof HeddleApiError && [401, 403, 404].includes(error.status));
  }
}

async function join(plane: NonNullable<AgentOptions["plane"]>, name: string): Promise<Membership> {
  const { url, token } = plane;
  if (!token.startsWith(JOIN_PREFIX)) return describe(url, token, plane.mesh);
  const anonymous = createClient({ baseUrl: url, retries: 0 });
  const enrollment = await anonymous.enroll({ joinToken: token, name });
  return describe(url, enrollment.token, enrollment.mesh);
}

/** What an agent's own token opens. */
async function describe(url: string, token: string, mesh: string | undefined): Promise<Membership> {
  const client = createClient({ baseUrl: url, token, retries: 2 });
  const { scopes, token: known } = await client.whoAmI();
  if (!scopes.includes("agent"))
    throw new AgentError(
      "HDL7206",
      `The token ${JSON.stringify(known.name)} is not an agent's: it has ${scopes.join(", ") || "no scope"}.`,
    );
  const id = mesh ?? (await client.listMeshes()).items[0]?.name;
  if (!id) throw new AgentError("HDL7206", "The token opens no mesh.");
  const info = await client.transport.json("GET", `/v1/meshes/${encodeURIComponent(id)}`);
  const { publicKey } = (await client.signingKey(id)) as { publicKey: unknown };
  return membershipSchema.parse({ plane: url, token, mesh: info, signingKey: publicKey });
}

async function untilReached<T>(
  work: () => Promise<T>,
  log: AgentLog,
  signal: AbortSignal,
): Promise<T> {
  for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    try {
      return await work();
    } catch (error) {
      if (error instanceof HeddleApiError && error.status < 500 && error.status !== 429)
        throw new AgentError("HDL7206", `The plane refuses the agent: ${error.message}`, error);
      if (!(error instanceof HeddleApiError || error instanceof TypeError)) throw error;
      log.warn("the plane cannot be reached yet", { error: String(error.cause ?? error) });
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
      signal.throwIfAborted();
    }
  }
}
