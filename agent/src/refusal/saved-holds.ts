/** Holds on disk: an agent that starts again goes on from what proxies took, not from what they refused. */
import { z } from "zod";
import type { MeshObject } from "@heddle/model";
import type { AgentLog } from "../log.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { resourceKinds } from "../xds/index.ts";
import type { Hold } from "./holds.ts";

const FILE = "held.json";

const valueSchema = z
  .looseObject({ apiVersion: z.string(), kind: z.string(), metadata: z.looseObject({}) })
  .nullable();
const savedSchema = z.array(
  z.object({
    key: z.string(),
    refused: valueSchema,
    substitute: valueSchema,
    refusals: z.array(
      z.object({
        id: z.string(),
        proxy: z.string(),
        type: z.enum(resourceKinds),
        resource: z.string(),
        reason: z.string(),
      }),
    ),
  }),
);

export interface SavedHold extends Hold {
  readonly refusals: z.infer<typeof savedSchema>[number]["refusals"];
}

/** None where the file is missing or no good. */
export async function readHolds(directory: StateDirectory): Promise<SavedHold[]> {
  try {
    const read = savedSchema.parse(JSON.parse((await directory.read(FILE)) ?? "[]"));
    // The agent wrote them itself, from objects of its model.
    return read as unknown as (SavedHold & { refused: MeshObject | null })[];
  } catch {
    return [];
  }
}

/** Writes behind the caller, one after the other. */
export function createHoldWriter(directory: StateDirectory, log: AgentLog) {
  let writing: Promise<void> = Promise.resolve();
  let written = "[]";
  return {
    write(holds: readonly SavedHold[]): void {
      const text = JSON.stringify(holds);
      if (text === written) return;
      written = text;
      writing = writing
        .then(() => directory.write(FILE, text))
        .catch((error: unknown) =>
          log.warn("HDL7212: what is held back could not be written", { error: String(error) }),
        );
    },
    settled: () => writing,
  };
}
