/** Whose Gateways are ours. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { MeshObject } from "../object.ts";
import { GATEWAY_API, type GatewayApiReader } from "./reader.ts";
import { isOfRevision, isRevision, namedRevision, type Revision } from "./revision.ts";

/** What a GatewayClass names us by; Istio's name is ours too, so that its Gateways move over as they are. */
const ISTIO = "istio.io/gateway-controller";
export const GATEWAY_CONTROLLERS: readonly string[] = ["heddle.dev/gateway-controller", ISTIO];

/** Classes that are there without an object. */
const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ["heddle", "heddle.dev/gateway-controller"],
  ["istio", ISTIO],
]);

export type GatewayClassState =
  | "ours"
  /** Another controller's: nothing is said of its Gateways. */
  | "foreign"
  /** There is no such class. */
  | "missing"
  /** Ours, with parameters that we cannot read. */
  | "invalid-parameters";

/** Of a GatewayClass by its name. */
export function gatewayClassState(
  read: Pick<GatewayApiReader, "object">,
  name: string,
): GatewayClassState {
  const object = read.object<GatewayApi.GatewayClass>(`${GATEWAY_API}/GatewayClass/-/${name}`);
  if (object === undefined) return BUILT_IN.has(name) ? "ours" : "missing";
  return stateOfClass(object);
}

export function stateOfClass({ spec }: MeshObject<GatewayApi.GatewayClass>): GatewayClassState {
  if (!GATEWAY_CONTROLLERS.includes(spec.controllerName)) return "foreign";
  return spec.parametersRef ? "invalid-parameters" : "ours";
}

/** Of a Gateway: that of its class, but that another installation may be meant by the same class. */
export function gatewayState(
  read: Pick<GatewayApiReader, "object" | "revision">,
  gateway: MeshObject<GatewayApi.Gateway>,
): GatewayClassState {
  const { gatewayClassName: name } = gateway.spec;
  const state = gatewayClassState(read, name);
  if (state === "foreign") return state;
  const object = read.object<GatewayApi.GatewayClass>(`${GATEWAY_API}/GatewayClass/-/${name}`);
  const shared = (object?.spec.controllerName ?? BUILT_IN.get(name)) === ISTIO;
  return isOfRevision(read, gateway, shared) ? state : "foreign";
}

/**
 * Whether a status is to be written of a class of ours: of one that is Istio's too the default installation speaks, unless a label
 * names another or Istio has made the class.
 */
export function speaksOfClass(
  revision: Revision,
  { metadata, spec }: MeshObject<GatewayApi.GatewayClass>,
): boolean {
  const named = namedRevision(metadata.labels);
  if (named !== undefined) return isRevision(revision, named);
  if (spec.controllerName !== ISTIO) return true;
  return revision.isDefault && !MADE_BY_ISTIO.test(spec.description ?? "");
}

/** Istio makes its classes where they are missing, and describes them so. */
const MADE_BY_ISTIO = /^The default Istio /;

/** A Gateway that a proxy of ours serves; undefined where there is none of that name `namespace/name`. */
export function ourGateway(
  read: GatewayApiReader,
  gateway: string,
): MeshObject<GatewayApi.Gateway> | undefined {
  const object = read.object<GatewayApi.Gateway>(`${GATEWAY_API}/Gateway/${gateway}`);
  if (object === undefined) return undefined;
  return gatewayState(read, object) === "ours" ? object : undefined;
}
