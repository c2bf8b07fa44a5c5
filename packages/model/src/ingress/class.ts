/** Which Ingresses are the mesh's, by their class, and which gateways serve them. */
import type { Ingress, IngressClass } from "../kinds/ingress.ts";
import { compareText, type MeshObject } from "../object.ts";
import { INGRESS_GROUP, type IngressReader } from "./reader.ts";

/** Deprecated, and read before `spec.ingressClassName`, as Istio does. */
export const CLASS_ANNOTATION = "kubernetes.io/ingress.class";
const DEFAULT_ANNOTATION = "ingressclass.kubernetes.io/is-default-class";
const DEFAULT_CLASS = "istio";
const CONTROLLERS: ReadonlySet<string | undefined> = new Set([
  "heddle.dev/ingress-controller",
  "istio.io/ingress-controller",
]);

export function isDefaultIngressClass({ metadata }: MeshObject<IngressClass>): boolean {
  return metadata.annotations[DEFAULT_ANNOTATION] === "true";
}

/** Why an Ingress is not the mesh's; undefined where it is. */
export function otherIngressController(
  read: IngressReader,
  { metadata, spec }: MeshObject<Ingress>,
): string | undefined {
  const { ingressControllerMode: mode = "STRICT", ingressClass: own = DEFAULT_CLASS } =
    read.settings;
  if (mode === "OFF") return "the mesh's settings switch Ingresses off";
  const annotated = metadata.annotations[CLASS_ANNOTATION];
  if (annotated !== undefined) return annotated === own ? undefined : `it is of class ${annotated}`;
  const name = spec.ingressClassName;
  if (name !== undefined) {
    const known = read.object<IngressClass>(`${INGRESS_GROUP}/IngressClass/-/${name}`);
    if (known) return foreign(known);
    return name === own ? undefined : `there is no IngressClass ${name}`;
  }
  const [newest] = read.defaultIngressClasses().toSorted(newestFirst);
  if (newest) return foreign(newest);
  return mode === "DEFAULT" ? undefined : "it has no class, and no IngressClass is the default";
}

function foreign({ metadata, spec }: MeshObject<IngressClass>): string | undefined {
  if (CONTROLLERS.has(spec.controller)) return undefined;
  return `IngressClass ${metadata.name} is ${spec.controller ?? "nobody"}'s`;
}

/** Of several defaults Kubernetes takes the newest, then the first by name. */
function newestFirst(a: MeshObject, b: MeshObject): number {
  return (
    compareText(b.metadata.creationTimestamp ?? "", a.metadata.creationTimestamp ?? "") ||
    compareText(a.metadata.name, b.metadata.name)
  );
}

/** Labels of the gateway pods, of any namespace, that serve the mesh's Ingresses. */
export function ingressGatewaySelector({
  ingressSelector,
  ingressService,
}: IngressReader["settings"]): Readonly<Record<string, string>> {
  if (ingressSelector) return { istio: ingressSelector };
  if (ingressService && ingressService !== "istio-ingressgateway") return { istio: ingressService };
  return { istio: "ingressgateway" };
}
