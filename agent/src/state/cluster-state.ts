/**
 * An agent's state in Secrets of its cluster, so that it outlives every pod. One Secret, the head, names what is in force; what
 * does not fit into it lies in further ones, whose names hold the hash of the whole: a generation is never changed, and a write
 * that ends halfway leaves the one before it in force.
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { STATE_PART_LABEL } from "@heddle/kube";
import { z } from "zod";
import { ApiFailure } from "../kubernetes/api-failure.ts";
import type { KubernetesClient, KubernetesObject, Place } from "../kubernetes/client.ts";
import { ownSecret } from "../kubernetes/own-secret.ts";
import { secretValue } from "../kubernetes/secret-data.ts";
import { STATE_TYPE } from "../sources/kubernetes/watched.ts";

/** Kubernetes takes 1 MiB of data in a Secret. */
const PART_BYTES = 1_000_000;
/** Parts of one generation: more would be a mistake, and the API server's store is small. */
const MAX_PARTS = 32;
/** Another replica may write at the same time: as often it is tried again. */
const TRIES = 5;

/** Contents of files by their names. */
export type StateFiles = Readonly<Record<string, string>>;

export interface ClusterState {
  readonly files: StateFiles;
  /** Of the mesh's state in them. */
  readonly mesh: string;
  readonly revision: number;
  /** SHA-256 of the files. */
  readonly generation: string;
}

const headSchema = z.object({
  generation: z.string(),
  mesh: z.string(),
  revision: z.number(),
  parts: z.array(z.string()),
});
type Head = z.infer<typeof headSchema>;

export interface ClusterStateStore {
  /** Undefined where nothing is kept, or nothing that is whole. Rejects with `ApiFailure`. */
  read(signal?: AbortSignal): Promise<ClusterState | undefined>;
  /**
   * Puts the files in the place of what was kept. False where a newer revision of the same mesh is kept already: that one
   * stays. Rejects with `ApiFailure`.
   */
  write(state: Omit<ClusterState, "generation">, signal?: AbortSignal): Promise<boolean>;
}

/** `name`: of the head. */
export function createClusterStateStore(
  client: KubernetesClient,
  namespace: string,
  name: string,
): ClusterStateStore {
  const place: Place = { apiVersion: "v1", plural: "secrets", namespace };
  const writeParts = async (head: Head, bytes: Buffer, signal?: AbortSignal) => {
    for (const [index, part] of head.parts.entries()) {
      const content = bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
      const object = ownSecret({
        ...{ name: part, namespace, type: STATE_TYPE, data: { content }, immutable: true },
        labels: { [STATE_PART_LABEL]: name },
      });
      await client.create(place, object, signal).catch((error: unknown) => {
        // Its name says what is in it.
        if (!ApiFailure.of(error).conflict) throw error;
      });
    }
  };
  /** What neither this head nor a writer that is at it now needs. */
  const sweep = async (head: Head, signal?: AbortSignal) => {
    const parts = await client.list(
      place,
      { labelSelector: `${STATE_PART_LABEL}=${name}` },
      signal,
    );
    for (const { metadata } of parts)
      if (!head.parts.includes(metadata.name))
        await client.remove(place, metadata.name, {}, signal);
  };
  return {
    async read(signal) {
      const found = await client.find(place, name, signal);
      const head = found && headOf(found);
      if (!head) return undefined;
      const pieces = [contentOf(found)];
      for (const part of head.parts) {
        const piece = await client.find(place, part, signal);
        if (!piece) return undefined;
        pieces.push(contentOf(piece));
      }
      const files = await unpack(Buffer.concat(pieces), head.generation);
      return files && { ...head, files };
    },
    async write({ files, mesh, revision }, signal) {
      const { bytes, generation } = await pack(files);
      const count = bytes.length <= PART_BYTES ? 0 : Math.ceil(bytes.length / PART_BYTES);
      if (count > MAX_PARTS)
        throw new ApiFailure(
          `the state has ${bytes.length} bytes when packed; ${MAX_PARTS * PART_BYTES} fit`,
          413,
        );
      const parts = Array.from(
        { length: count },
        (_, index) => `${name}-${generation.slice(0, 16)}-${index}`,
      );
      const head: Head = { generation, mesh, revision, parts };
      for (let tries = 1; ; tries++) {
        const found = await client.find(place, name, signal);
        const before = found && headOf(found);
        if (before?.generation === generation) return true;
        if (before?.mesh === mesh && before.revision > revision) return false;
        await writeParts(head, bytes, signal);
        const resourceVersion = found?.metadata.resourceVersion;
        const object = ownSecret({
          ...{ name, namespace, type: STATE_TYPE, resourceVersion },
          data: { head: JSON.stringify(head), ...(count === 0 && { content: bytes }) },
        });
        try {
          await (found
            ? client.replace(place, object, signal)
            : client.create(place, object, signal));
        } catch (error) {
          if (!ApiFailure.of(error).conflict || tries === TRIES) throw error;
          continue;
        }
        await sweep(head, signal);
        return true;
      }
    },
  };
}

async function pack(files: StateFiles): Promise<{ bytes: Buffer; generation: string }> {
  const text = JSON.stringify(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { bytes: await promisify(gzip)(text), generation: hashOf(text) };
}

async function unpack(bytes: Buffer, generation: string): Promise<StateFiles | undefined> {
  try {
    const text = (await promisify(gunzip)(bytes)).toString("utf8");
    if (hashOf(text) !== generation) return undefined;
    return Object.fromEntries(JSON.parse(text) as [string, string][]);
  } catch {
    return undefined;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function headOf(secret: KubernetesObject): Head | undefined {
  try {
    return headSchema.parse(JSON.parse(secretValue(secret, "head")?.toString() ?? ""));
  } catch {
    return undefined;
  }
}

const contentOf = (secret: KubernetesObject) => secretValue(secret, "content") ?? Buffer.alloc(0);
