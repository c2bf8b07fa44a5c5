/** Whose Gateways are ours. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import type { MeshObject } from "../object.ts";
import { GATEWAY_API, type GatewayApiReader } from "./reader.ts";

/** What a GatewayClass names us by; Istio's name is ours too, so that its Gateways move over as they are. */
export const GATEWAY_CONTROLLERS: readonly string[] = [
  "heddle.dev/gateway-controller",
  "istio.io/gateway-controller",
];

/** Classes that are there without an object. */
const BUILT_IN: ReadonlySet<string> = new Set(["heddle", "istio"]);

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

/** A Gateway that a proxy of ours serves; undefined where there is none of that name `namespace/name`. */
export function ourGateway(
  read: GatewayApiReader,
  gateway: string,
): MeshObject<GatewayApi.Gateway> | undefined {
  const object = read.object<GatewayApi.Gateway>(`${GATEWAY_API}/Gateway/${gateway}`);
  if (object === undefined) return undefined;
  return gatewayClassState(read, object.spec.gatewayClassName) === "ours" ? object : undefined;
}
