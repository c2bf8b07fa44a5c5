/** How the proxy of one workload is run, out of all that was said for mesh, namespace and workload. */
import type { ProxyConfig } from "../kinds/proxy-config.ts";
import { labelsMatch, selects } from "../labels.ts";
import { byAge } from "../object.ts";
import type { MeshObject } from "../object.ts";
import type { WorkloadQuestion } from "./peer-authentication.ts";

/**
 * Merges ProxyConfigs as Istio does: in each of mesh (root namespace, no selector), namespace and workload the oldest one
 * counts alone; of these the narrower one has the word, for variables name by name. A selector picks workloads of its own
 * namespace only.
 */
export function effectiveProxyConfig(
  configs: Iterable<MeshObject<ProxyConfig>>,
  { namespace, labels, rootNamespace }: WorkloadQuestion,
): Omit<ProxyConfig, "selector"> {
  const levels: (MeshObject<ProxyConfig> | undefined)[] = [undefined, undefined, undefined];
  for (const config of configs) {
    const selector = config.spec.selector?.matchLabels;
    const own = config.metadata.namespace === namespace;
    const level = selects(selector)
      ? own && labelsMatch(selector, labels) && 2
      : config.metadata.namespace === rootNamespace
        ? 0
        : own && 1;
    if (level === false) continue;
    const known = levels[level];
    if (known === undefined || byAge(config, known) < 0) levels[level] = config;
  }
  return levels.reduce<Omit<ProxyConfig, "selector">>((merged, config) => {
    const { selector: _, ...spec } = config?.spec ?? {};
    const environmentVariables = { ...merged.environmentVariables, ...spec.environmentVariables };
    return {
      ...merged,
      ...spec,
      ...(Object.keys(environmentVariables).length > 0 ? { environmentVariables } : {}),
    };
  }, {});
}
