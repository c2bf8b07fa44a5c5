/** Which sidecars ask for the hosts that their workloads call, and which are given all that they see. */
import { type Horizon, horizonOf, horizonText, hostsWithin } from "../form/horizon.ts";
import type { Patch } from "../patch/compile.ts";
import { patchKeyOf } from "../patch/patch-set.ts";
import type { ProxyDescription } from "../proxy.ts";
import { derivation, type ModelReader } from "../read.ts";

/** Of a workload or a namespace: `true` or `false`, whatever the mesh is set to. */
const LABEL = "heddle.dev/on-demand";

/** So many hosts cost a sidecar less than to ask for them does. */
const FEW_HOSTS = 300;

/** A proxy that cannot ask never does. `sidecar`: key of the Sidecar that it follows. */
export function asksOnDemand(
  read: ModelReader,
  proxy: ProxyDescription,
  sidecar: string | undefined,
): boolean {
  if (!proxy.onDemand || proxy.type !== "sidecar" || proxy.proxyless) return false;
  const mode = modeOf(read, proxy);
  if (mode === "NEVER" || patchKeyOf(read, proxy, concernsTables) !== "") return false;
  const horizon = horizonOf(read, {
    namespace: proxy.namespace,
    ...(sidecar === undefined ? {} : { sidecar }),
  });
  return mode === "ALWAYS" || read.get(manyHosts, horizon);
}

function modeOf(
  read: ModelReader,
  { labels, namespace }: ProxyDescription,
): "AUTO" | "ALWAYS" | "NEVER" {
  const wish =
    labels[LABEL] ?? read.object(`core/Namespace/-/${namespace}`)?.metadata.labels?.[LABEL];
  if (wish === "true") return "ALWAYS";
  return wish === "false" ? "NEVER" : (read.mesh.onDemand ?? "AUTO");
}

/** Patches see whole tables, and filters in their order: a table that is not all there is not what they were written for. */
function concernsTables({ applyTo, match }: Patch): boolean {
  const elsewhere =
    applyTo === "CLUSTER" || applyTo === "BOOTSTRAP" || match.context === "SIDECAR_INBOUND";
  return !elsewhere;
}

/** Changes seldom, where the list of hosts changes often. */
const manyHosts = derivation<Horizon, boolean>(
  "on-demand/many-hosts",
  horizonText,
  (read, horizon) => hostsWithin(read, horizon).length > FEW_HOSTS,
);
