/** What the plane's domains are given: every effect they may have comes in here. */
import type { Database, StoredMeshSettings, Tx } from "@heddle/db";
import type { Envelope } from "@heddle/pki";
import type { RevisionHeader } from "@heddle/sync";
import type { TelemetryStore } from "./telemetry/telemetry-store.ts";

export interface AppDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: PlaneConfig;
  readonly rooms: SyncRooms;
  readonly signer: RevisionSigner;
  /** Absent where there is no columnar store (the Worker): telemetry routes then answer 501. */
  readonly telemetry: TelemetryStore | undefined;
  /** Seals private keys at rest. */
  readonly envelope: Envelope;
  readonly log: Logger;
}

/** Milliseconds since 1970. */
export type Clock = () => number;

/** `size` random bytes, fit for keys. */
export type Random = (size: number) => Uint8Array;

export interface PlaneConfig {
  readonly version: string;
  /** Where the outside reaches the plane, without a trailing slash; unknown before it listens. */
  readonly publicUrl: string | undefined;
  /** Largest request body of an apply, bytes. */
  readonly maxBodyBytes: number;
  /** Objects kept in memory over all meshes, parsed. */
  readonly stateCacheObjects: number;
}

export interface Logger {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** One mesh, with its tenant: what every query below a mesh starts from. */
export interface MeshRef {
  readonly tenant: string;
  readonly id: string;
}

/** A mesh as middleware resolved it for the request (`c.var.mesh`). */
export interface MeshRecord extends MeshRef {
  readonly name: string;
  readonly trustDomain: string;
  readonly settings: StoredMeshSettings;
  readonly revision: number;
  readonly stateRoot: string;
  readonly headHash: string;
  readonly createdAt: Date;
}

export type { RevisionHeader };

export interface SignedHeader {
  /** SHA-256 of the header's bytes, hexadecimal. */
  readonly hash: string;
  /** Ed25519 over the header's bytes, base64url. */
  readonly signature: string;
  readonly keyId: string;
}

/** Signs revision headers with the mesh's own key, which it makes at first need. Called inside apply's transaction. */
export interface RevisionSigner {
  sign(tx: Tx, mesh: MeshRef, header: RevisionHeader): Promise<SignedHeader>;
}

/** A committed revision as apply hands it to the mesh's room. */
export interface CommittedRevision extends RevisionHeader, SignedHeader {
  readonly changes: readonly CommittedChange[];
}

export interface CommittedChange {
  readonly key: string;
  readonly action: "created" | "configured" | "deleted";
  /** Hash of the document that it replaces; null for a new object. */
  readonly before: string | null;
  /** The document after the change; null where deleted. */
  readonly document: Readonly<Record<string, unknown>> | null;
  readonly hash: string | null;
}

/** The sync rooms: in-process on Node, Durable Objects in the Worker. */
export interface SyncRooms {
  room(mesh: MeshRef): SyncRoom;
}

export interface SyncRoom {
  /** Tells the mesh's agents of a committed revision. Never fails the write: the room logs and agents catch up by themselves. */
  publish(revision: CommittedRevision): Promise<void>;
  /** Other authorities are in force: agents are told to follow. Absent where the plane was put together without rooms. */
  authorityChanged?(): Promise<void>;
}
