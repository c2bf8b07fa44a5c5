/** HDL0150: TLS of a Sidecar's ingress, which the mesh's own TLS leaves no place. */
import { mutualTlsMode, type Sidecar } from "@heddle/model";
import { diagnostic } from "../check.ts";
import type { Check } from "../check.ts";

/** TLS that is passed on is nobody's settings. */
const TAKEN_OFF: ReadonlySet<string> = new Set(["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL"]);

export const checkSidecarTls: Check<Sidecar> = function* (entry, { index, rootNamespace }) {
  const { metadata, spec } = entry.object;
  const { namespace } = metadata;
  const labels = spec.workloadSelector?.labels ?? {};
  const pods = index
    .pods(labels)
    .filter(({ object }) => object.metadata.namespace === namespace)
    .map(({ object }) => object.metadata.labels);
  const policies = [...new Set([namespace, rootNamespace])].flatMap((each) =>
    index.peerAuthentications(each).map(({ object }) => object),
  );
  for (const [position, { port, tls }] of (spec.ingress ?? []).entries()) {
    if (!TAKEN_OFF.has(tls?.mode ?? "")) continue;
    // Pods may have labels that policies select, besides those that the Sidecar does.
    const modes = (pods.length > 0 ? pods : [labels]).map((own) =>
      mutualTlsMode(policies, { namespace, labels: own, rootNamespace, port: port.number ?? 0 }),
    );
    const mode = modes.find((each) => each !== "DISABLE");
    if (mode === undefined) continue;
    yield diagnostic(entry, {
      code: "HDL0150",
      path: `spec.ingress[${position}].tls`,
      message: `port ${port.number ?? 0} takes the mesh's own TLS (${mode}), so that these settings count for nothing there`,
    });
  }
};
