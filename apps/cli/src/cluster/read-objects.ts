/** A cluster's objects, read once as the agent reads them. */
import type { KubernetesOptions } from "@heddle/agent/kubernetes";
import type { Diagnostic, MeshObject } from "@heddle/model";
import { CliError } from "../output/cli-error.ts";

/** Listing everything takes a large cluster so long, milliseconds, and more is no answer. */
const READ_WITHIN = 60_000;

export interface ClusterContent {
  readonly objects: readonly MeshObject[];
  /** Of objects that are bad by themselves, and of kinds that cannot be read. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Throws HDL9064 where the API server does not let itself be read. */
export async function readCluster(options: KubernetesOptions): Promise<ClusterContent> {
  const [{ openAccess }, { startKubernetesSource }] = await Promise.all([
    import("@heddle/agent/kubernetes"),
    import("@heddle/agent/sources"),
  ]);
  const access = await openAccess(options);
  const objects: MeshObject[] = [];
  const diagnostics: Diagnostic[] = [];
  let isRead = false;
  const source = startKubernetesSource(
    access,
    (update) => {
      if (isRead) return;
      isRead = true;
      for (const owned of update.changes.values()) if (owned?.object) objects.push(owned.object);
      diagnostics.push(...update.diagnostics);
    },
    QUIET,
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), READ_WITHIN);
  });
  try {
    if ((await Promise.race([source.synced, late])) === "late")
      throw new CliError(
        "HDL9064",
        `The cluster at ${access.server.origin} was not read within ${READ_WITHIN / 1000} s: ${source.waiting().join("; ")}`,
        "Check that it runs and that --kubeconfig and --context name it.",
      );
  } finally {
    clearTimeout(timer);
    await source.close();
  }
  return { objects, diagnostics };
}

/** What it would log stands among the findings. */
const QUIET = { info() {}, warn() {}, error() {} };
