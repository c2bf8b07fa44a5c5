/** IST0101: the workload that a Gateway selects, and the credentials of its servers. */
import type { Gateway } from "@heddle/model";
import { missing } from "../check.ts";
import type { Check } from "../check.ts";

export const checkGatewayReferences: Check<Gateway> = function* (entry, context) {
  const { index } = context;
  const { metadata, spec } = entry.object;
  const { selector = {}, servers = [] } = spec;
  const pods = index.pods(selector);
  if (index.has("Pod") && pods.length === 0) {
    const name = Object.entries(selector)
      .map(([label, value]) => `${label}=${value}`)
      .toSorted()
      .join(",");
    yield missing(entry, context, { what: "selector", name, path: "spec.selector" });
    return;
  }
  if (!index.has("Pod") && !index.has("Secret")) return;
  // A credential is looked for beside the workload that uses it, not beside the Gateway.
  const namespace = pods[0]?.object.metadata.namespace ?? metadata.namespace;
  for (const [position, { tls }] of servers.entries()) {
    const name = tls?.credentialName;
    if (!name || name.includes("://")) continue;
    const key = name.includes("/") ? name : `${namespace}/${name}`;
    if (index.entry(`core/Secret/${key}`)) continue;
    const path = `spec.servers[${position}].tls.credentialName`;
    yield missing(entry, context, { what: "credentialName", name, path });
  }
};
