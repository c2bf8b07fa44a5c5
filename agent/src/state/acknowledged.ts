/**
 * The last revision that every proxy has acknowledged, on disk: an agent that starts again says so to its plane at once, before
 * its proxies are back.
 */
import { z } from "zod";
import { keptFile } from "./kept-file.ts";
import type { StateDirectory } from "./state-directory.ts";

const FILE = "acknowledged.json";
const storedSchema = z.object({ mesh: z.string(), number: z.int().min(0) });

export interface Acknowledged {
  /** 0 where nothing is known of this mesh; never more than what is in force. */
  load(mesh: string, inForce: number): Promise<number>;
  /** Behind the caller; of numbers that come while one is written only the last is. */
  keep(mesh: string, number: number): void;
  settled(): Promise<void>;
}

export function createAcknowledged(
  directory: Pick<StateDirectory, "read" | "write">,
  failed: (error: unknown) => void,
): Acknowledged {
  const file = keptFile(directory, FILE, storedSchema, { failed });
  return {
    async load(mesh, inForce) {
      const stored = await file.load();
      return stored?.mesh === mesh ? Math.min(stored.number, inForce) : 0;
    },
    keep: (mesh, number) => file.keep(() => ({ mesh, number })),
    settled: () => file.settled(),
  };
}
