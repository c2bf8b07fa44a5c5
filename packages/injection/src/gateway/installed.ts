/** The pod of a gateway that belongs to an installation, and to no Gateway of the cluster: what the template `gateway` makes. */
import { isError } from "../finding.ts";
import { putIn } from "../inject.ts";
import type { PodTemplate } from "../pod.ts";
import { INJECT } from "../policy.ts";
import type { InjectionOptions } from "../settings.ts";
import { TEMPLATES } from "./objects.ts";

interface InstalledGateway {
  /** Of its Deployment; telemetry calls it by that. */
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly clusterDomain: string;
}

/** What injection notes of a pod that somebody else made; of this one nothing was there before. */
const STATUS = "sidecar.istio.io/status";

/** Made whole here, so that it needs no webhook, which may not answer yet. Pure. */
export function installedGatewayPod(
  { name, namespace, serviceAccount, labels, clusterDomain }: InstalledGateway,
  options: InjectionOptions,
): PodTemplate {
  const made = putIn(
    {
      pod: {
        metadata: { labels, annotations: { [TEMPLATES]: "gateway" } },
        spec: { serviceAccountName: serviceAccount, containers: [] },
      },
      namespace: { name: namespace },
      mesh: { rootNamespace: namespace, clusterDomain },
      workload: name,
    },
    options,
  );
  const wrong = made.findings.find(isError);
  // It asks for nothing that could be wrong.
  if (!made.injected) throw new TypeError(wrong?.message ?? made.because);
  const { metadata, spec } = made.pod;
  const { [TEMPLATES]: _, [STATUS]: __, ...annotations } = metadata?.annotations ?? {};
  return {
    metadata: { labels: { ...metadata?.labels, [INJECT]: "false" }, annotations },
    spec: spec ?? {},
  };
}
