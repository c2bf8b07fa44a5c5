/**
 * The last revision that every proxy has acknowledged, on disk: an agent that starts again says so to its plane at once, before
 * its proxies are back.
 */
import { z } from "zod";
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
  let newest: { mesh: string; number: number } | undefined;
  let working: Promise<void> | undefined;
  const write = async () => {
    while (newest) {
      const text = JSON.stringify(newest);
      newest = undefined;
      await directory.write(FILE, text).catch(failed);
    }
    working = undefined;
  };
  return {
    async load(mesh, inForce) {
      const text = await directory.read(FILE);
      const stored = storedSchema.safeParse(text === undefined ? undefined : parsed(text));
      if (!stored.success || stored.data.mesh !== mesh) return 0;
      return Math.min(stored.data.number, inForce);
    },
    keep(mesh, number) {
      newest = { mesh, number };
      working ??= write();
    },
    async settled() {
      await working;
    },
  };
}

/** Undefined for what is no JSON: the number is a convenience, and nothing to fail on. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
