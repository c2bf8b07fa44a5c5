/** What other clusters share, on disk: an agent that starts while its plane is away serves their endpoints too. */
import { z } from "zod";
import { sharedItemSchema, sharingSchema } from "@heddle/sync";
import { keptFile } from "../state/kept-file.ts";
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
  const file = keptFile(directory, FILE, fileSchema, { failed, gather: GATHER });
  return {
    async load() {
      const stored = await file.load();
      return stored?.mesh === mesh ? stored.clusters : [];
    },
    keep(clusters) {
      const value = { mesh, clusters: [...clusters] };
      file.keep(() => value);
    },
    settled: () => file.settled(),
  };
}
