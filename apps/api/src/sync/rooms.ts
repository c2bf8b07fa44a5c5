/** The sync rooms as the plane's other domains see them: one per mesh, in this process or in a Durable Object. */
import type { Follower } from "@heddle/pki";
import type { WorkloadAccessQuestion } from "@heddle/model";
import type {
  AccessAnswer,
  AuthorityReport,
  Effect,
  FederationReport,
  Progress,
  ProxyReport,
} from "@heddle/sync";
import type { MeshRef, SyncRoom, SyncRooms } from "../deps.ts";
import { problem } from "../http/problem.ts";
import type { Asked } from "./asked-agents.ts";

/** An agent as its room knows it now; the database knows those that are not connected. */
export interface LiveAgent {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly connected: boolean;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly acknowledged: number;
  /** What it calls its cluster; left out where it shares none. */
  readonly cluster?: string;
  /** The clusters of the mesh that it shares its services with. */
  readonly with?: readonly string[];
  readonly proxies: readonly ProxyReport[];
  /** Its replicas, each with what it and its proxies have in force of the mesh's authorities. */
  readonly followers: readonly Follower[];
  /** What its replicas sign with. */
  readonly intermediates: readonly NonNullable<AuthorityReport["intermediate"]>[];
  /** What it has in force of other trust domains. */
  readonly federations: readonly FederationReport[];
}

export interface MeshRoom extends SyncRoom {
  agents(): Promise<readonly LiveAgent[]>;
  /** How far the newest revisions have come, newest first. */
  progress(): Promise<readonly Progress[]>;
  /** What an object, by its key, has become at the connected agents' proxies. */
  effect(key: string): Promise<Asked<Effect>>;
  /** Whether the connected agents' proxies of a workload would take a request. */
  explain(question: WorkloadAccessQuestion): Promise<Asked<AccessAnswer>>;
  authorityChanged(): Promise<void>;
  /** Ends the sockets of an agent that may not come again. */
  dismiss(agent: string): Promise<void>;
  /** Revisions, convergence and agents as server-sent events, until the reader leaves. */
  events(): Promise<ReadableStream<Uint8Array>>;
  /** Takes over a WebSocket; only where the runtime upgrades by answering. */
  connect?(
    request: Request,
    agent: { readonly id: string; readonly name: string; readonly token: string },
  ): Promise<Response>;
}

export interface MeshRooms extends SyncRooms {
  room(mesh: MeshRef): MeshRoom;
}

/** The room with all that it can do. HDL1052 where the plane was put together without rooms. */
export function meshRoom(rooms: SyncRooms, mesh: MeshRef): MeshRoom {
  const room = rooms.room(mesh) as Partial<MeshRoom>;
  if (!room.agents || !room.events) throw problem("HDL1052", "This plane has no sync rooms.");
  return room as MeshRoom;
}
