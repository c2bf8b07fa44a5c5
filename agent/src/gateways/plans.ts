/** What is to be deployed for each Gateway of the model, kept in step with it. */
import {
  deployGateway,
  type GatewayDeployment,
  gatewayRequest,
  type InjectionMesh,
  type InjectionOptions,
} from "@heddle/injection";
import {
  type Diagnostic,
  type GatewayApi,
  type MeshObject,
  originOf,
  type ProxyConfig,
} from "@heddle/model";

export interface GatewayPlan {
  readonly gateway: MeshObject<GatewayApi.Gateway>;
  readonly deployment: GatewayDeployment;
  /** What was made for it earlier is to go: it is another controller's now, or somebody else deploys its pods. */
  readonly left: boolean;
}

export interface GatewayPlans {
  /** Keys of the model whose objects changed. */
  objectsChanged(keys: readonly string[]): void;
  /** What is made of Gateways in general is told otherwise. */
  optionsChanged(): void;
  /** By `namespace/name` of the Gateway. */
  all(): ReadonlyMap<string, GatewayPlan>;
  diagnostics(): readonly Diagnostic[];
  close(): void;
}

export interface PlanSources {
  readonly model: { get(key: string): MeshObject | undefined };
  readonly mesh: () => InjectionMesh;
  readonly options: () => InjectionOptions;
  /** Whether options and model are whole by now: nothing is planned before. */
  readonly ready: () => boolean;
  /** A plan is another one. */
  readonly changed: () => void;
}

/** Changes of a burst are taken together, milliseconds. */
const GATHER = 20;
/** Whether it is time to plan is asked so often, milliseconds. */
const ASK_READY = 250;
const COLLECTED = ["Gateway", "ListenerSet", "XListenerSet", "ProxyConfig"] as const;
type Collected = (typeof COLLECTED)[number];
/** Istio's Gateway has the same kind. */
const NOT_OURS = "networking.istio.io/Gateway/";

export function createGatewayPlans({
  model,
  mesh,
  options,
  ready,
  changed,
}: PlanSources): GatewayPlans {
  const keys = new Map<Collected, Set<string>>(COLLECTED.map((kind) => [kind, new Set()]));
  let plans: ReadonlyMap<string, GatewayPlan> = new Map();
  let timer: NodeJS.Timeout | undefined;

  const at = <Spec>(key: string) => model.get(key) as MeshObject<Spec> | undefined;
  const all = <Spec>(kind: Collected) =>
    [...(keys.get(kind) ?? [])].toSorted().flatMap((key) => at<Spec>(key) ?? []);
  const plan = () => {
    timer = undefined;
    if (!ready()) {
      timer = setTimeout(plan, ASK_READY);
      return;
    }
    const surroundings = {
      at,
      listenerSets: [
        ...all<GatewayApi.ListenerSet>("ListenerSet"),
        ...all<GatewayApi.ListenerSet>("XListenerSet"),
      ],
      proxyConfigs: all<ProxyConfig>("ProxyConfig"),
      mesh: mesh(),
    };
    plans = new Map(
      all<GatewayApi.Gateway>("Gateway").map((gateway) => {
        const { namespace, name } = gateway.metadata;
        const deployment = deployGateway(gatewayRequest(gateway, surroundings), options());
        return [`${namespace}/${name}`, { gateway, deployment, left: isLeft(deployment) }];
      }),
    );
    changed();
  };
  /** Whether a plan may depend on it. */
  const concerns = (key: string): boolean => {
    const [group = "", kind = ""] = key.split("/");
    if (kind === "ConfigMap")
      return all<GatewayApi.Gateway>("Gateway").some((each) => names(each, key));
    if (group === "core") return kind === "Namespace";
    return kind === "GatewayClass" || keys.has(kind as Collected);
  };
  return {
    objectsChanged(changes) {
      let touched = false;
      for (const key of changes) {
        if (key.startsWith(NOT_OURS) || !concerns(key)) continue;
        touched = true;
        const known = keys.get(key.split("/")[1] as Collected);
        if (at(key)) known?.add(key);
        else known?.delete(key);
      }
      if (touched) timer ??= setTimeout(plan, GATHER);
    },
    optionsChanged: () => void (timer ??= setTimeout(plan, GATHER)),
    all: () => plans,
    diagnostics: () =>
      [...plans.values()].flatMap(({ gateway, deployment }) =>
        deployment.findings.map((finding) => ({ ...finding, origin: originOf(gateway) })),
      ),
    close: () => clearTimeout(timer),
  };
}

function isLeft(deployment: GatewayDeployment): boolean {
  if (deployment.deployed) return false;
  return deployment.because === "by hand" || deployment.because === "another controller";
}

function names({ metadata, spec }: MeshObject<GatewayApi.Gateway>, configMap: string): boolean {
  const { name } = spec.infrastructure?.parametersRef ?? {};
  return name !== undefined && configMap === `core/ConfigMap/${metadata.namespace}/${name}`;
}
