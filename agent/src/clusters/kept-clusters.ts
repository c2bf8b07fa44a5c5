/** What other clusters share, on disk: an agent that starts while its plane is away serves their endpoints too. */
import { z } from "zod";
import { sharedItemSchema, sharingSchema } from "@heddle/sync";
import type { StateDirectory } from "../state/state-directory.ts";

const FILE = "clusters.json";
/** Changes of so long are written together, milliseconds. */
const GATHER = 5_000;

const keptSchema = z.object({
  agent: z.string(),
  name: z.string(),
  ...sharingSchema.shape,
  version: z.string().optional(),
  items: z.array(sharedItemSchema),
});
export type KeptCluster = z.infer<typeof keptSchema>;
const fileSchema = z.object({ mesh: z.string(), clusters: z.array(keptSchema) });

export interface KeptClusters {
  /** Nothing where nothing is known of this mesh. */
  load(): Promise<readonly KeptCluster[]>;
  /** Behind the caller; of what comes while it is written only the last is. */
  keep(clusters: readonly KeptCluster[]): void;
  settled(): Promise<void>;
}

export function keepClusters(
  directory: Pick<StateDirectory, "read" | "write">,
  mesh: string,
  failed: (error: unknown) => void,
): KeptClusters {
  let newest: readonly KeptCluster[] | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  const write = async () => {
    clearTimeout(timer);
    timer = undefined;
    while (newest) {
      const text = JSON.stringify({ mesh, clusters: newest });
      newest = undefined;
      await directory.write(FILE, text).catch(failed);
    }
    working = undefined;
  };
  return {
    async load() {
      const text = await directory.read(FILE);
      const stored = fileSchema.safeParse(text === undefined ? undefined : parsed(text));
      return stored.success && stored.data.mesh === mesh ? stored.data.clusters : [];
    },
    keep(clusters) {
      newest = clusters;
      timer ??= setTimeout(() => void (working ??= write()), GATHER);
    },
    async settled() {
      if (newest) working ??= write();
      await working;
    },
  };
}

/** Undefined for what is no JSON: the plane will tell again. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
