/** HDL0103: several PeerAuthentications for the same workloads. */
import type { PeerAuthentication } from "@heddle/model";
import { canonicalJson } from "@heddle/model";
import { diagnostic, namesOf } from "../check.ts";
import type { Check } from "../check.ts";

export const checkPeerAuthentications: Check<PeerAuthentication> = function* (entry, context) {
  const { metadata, spec } = entry.object;
  const scope = scopeOf(spec);
  const others = context.index
    .peerAuthentications(metadata.namespace)
    .filter(({ key, object }) => key !== entry.key && scopeOf(object.spec) === scope);
  if (others.length === 0) return;
  const whom =
    scope !== "{}"
      ? `workloads with ${labelText(spec)}`
      : metadata.namespace === context.rootNamespace
        ? "the whole mesh"
        : `all of namespace ${metadata.namespace}`;
  yield diagnostic(entry, {
    code: "HDL0103",
    level: context.force ? "Warning" : "Error",
    path: scope === "{}" ? "metadata.name" : "spec.selector",
    message: `The PeerAuthentications ${namesOf([entry, ...others])} are for ${whom}: only the oldest would count.`,
  });
};

function scopeOf(spec: PeerAuthentication): string {
  return canonicalJson(spec.selector?.matchLabels ?? {});
}

function labelText(spec: PeerAuthentication): string {
  return Object.entries(spec.selector?.matchLabels ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
}
