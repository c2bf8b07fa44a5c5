/** What serves a Gateway of the Gateway API: a ServiceAccount, a Deployment and a Service, as Istio's controller names and makes them. */
import {
  type ConfigMap,
  type GatewayApi,
  type GatewayApiReader,
  gatewayState,
  gatewayDeploymentName,
  gatewayPatches,
  isDnsLabel,
  isInvalid,
  type MeshObject,
  type Namespace,
  type Revision,
} from "@heddle/model";
import { type Finding, isError } from "../finding.ts";
import { putIn } from "../inject.ts";
import type { InjectionMesh, InjectionOptions, ProxyConfigs } from "../settings.ts";
import { infrastructureOf } from "./infrastructure.ts";
import { gatewayObjects, TEMPLATES } from "./objects.ts";
import { gatewayService } from "./service.ts";

export interface GatewayRequest {
  readonly gateway: MeshObject<GatewayApi.Gateway>;
  /** Those that add to it. */
  readonly listenerSets?: readonly MeshObject<GatewayApi.ListenerSet>[];
  /** Undefined where there is no object of it, as of the classes that are built in. */
  readonly gatewayClass?: MeshObject<GatewayApi.GatewayClass> | undefined;
  /** Its own, where it is known. */
  readonly namespace?: MeshObject<Namespace> | undefined;
  /** The one that its parameters name, where it is there. */
  readonly parameters?: MeshObject<ConfigMap> | undefined;
  readonly mesh: InjectionMesh;
  readonly proxyConfigs?: ProxyConfigs;
}

/** Why nothing is made. */
export type NotDeployed =
  /** Its class is not there, or has parameters that are not read. */
  | "class"
  /** Its class is another controller's, or it is for another installation by its labels. */
  | "another controller"
  /** It names the Service of pods that somebody else deploys. */
  | "by hand"
  /** Something is wrong with it; the findings say what. */
  | "invalid";

export type GatewayDeployment =
  | {
      readonly deployed: true;
      /** Ready to apply, in order. */
      readonly objects: readonly object[];
      readonly findings: readonly Finding[];
    }
  | {
      readonly deployed: false;
      readonly because: NotDeployed;
      readonly findings: readonly Finding[];
    };

const SERVICE_ACCOUNT = "gateway.istio.io/service-account";

/** Pure: equal Gateways make equal objects. */
export function deployGateway(
  request: GatewayRequest,
  options: InjectionOptions,
): GatewayDeployment {
  const { gateway, listenerSets = [], gatewayClass, parameters, mesh, proxyConfigs = [] } = request;
  const { metadata, spec } = gateway;
  const { namespace, annotations } = metadata;
  const { revision, isDefault } = options;
  const read = readerOf(
    { name: revision, isDefault },
    ...[gatewayClass, parameters, request.namespace],
  );
  const state = gatewayState(read, gateway);
  if (state !== "ours") {
    const because = state === "foreign" ? "another controller" : "class";
    return { deployed: false, because, findings: [] };
  }
  if (!isManaged(spec)) return { deployed: false, because: "by hand", findings: [] };
  const findings: Finding[] = [];
  const report = (finding: Finding) => void findings.push(finding);
  const patches = gatewayPatches(read, gateway) ?? {};
  if (isInvalid(patches))
    report({
      code: "HDL6011",
      level: "Error",
      path: "spec.infrastructure.parametersRef",
      message: `InvalidParameters: ${patches.message}`,
      remedy: "Name a ConfigMap of the Gateway's namespace, with patches as the guide has them.",
    });
  const called = gatewayDeploymentName(gateway);
  if (!isDnsLabel(called))
    report({
      code: "HDL6012",
      level: "Error",
      path: "metadata.name",
      message: `${JSON.stringify(called)} cannot name a Deployment and a Service`,
      remedy: `Give the Gateway a shorter name, or another for these by the annotation gateway.istio.io/name-override.`,
    });
  const account = annotations[SERVICE_ACCOUNT] ?? called;
  const shared = infrastructureOf(gateway);
  const service = gatewayService(gateway, listenerSets, report);
  const pod = putIn(
    {
      pod: {
        metadata: {
          labels: shared.labels,
          annotations: { ...shared.annotations, [TEMPLATES]: "gateway" },
        },
        spec: { serviceAccountName: account, containers: [] },
      },
      namespace: { name: namespace },
      mesh,
      proxyConfigs,
      workload: called,
    },
    options,
  );
  findings.push(...pod.findings);
  if (!pod.injected || isInvalid(patches) || findings.some(isError))
    return { deployed: false, because: "invalid", findings };
  const objects = gatewayObjects({
    ...{ gateway, called, account, shared, service, patches },
    pod: pod.pod,
  });
  return { deployed: true, findings, objects };
}

/** Of pods that are there already the Gateway names the Service. */
function isManaged({ addresses = [] }: GatewayApi.Gateway): boolean {
  return addresses.every(({ type = "IPAddress" }) => type === "IPAddress");
}

type Reader = Pick<GatewayApiReader, "object" | "knowsSecrets" | "revision">;

function readerOf(revision: Revision, ...objects: readonly (MeshObject | undefined)[]): Reader {
  const byKind = new Map(objects.flatMap((each) => (each ? [[each.kind, each] as const] : [])));
  return {
    revision,
    // Whoever asks has looked for it.
    knowsSecrets: true,
    object: <Spec>(key: string) => {
      const [, kind = "", , name = ""] = key.split("/");
      const found = byKind.get(kind);
      return found?.metadata.name === name ? (found as MeshObject<Spec>) : undefined;
    },
  };
}
