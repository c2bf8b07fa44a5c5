/** Which Ingresses are the mesh's: those of class `istio`, and of classes that Istio's controller serves. */
import type { Kind } from "../kinds.ts";
import type { ObjectMetadata } from "../object.ts";

const CLASS_ANNOTATION = "kubernetes.io/ingress.class";
const CLASS = "istio";
const CONTROLLER = "istio.io/ingress-controller";

/** Why an Ingress or IngressClass is another controller's; undefined where it is the mesh's, or of another kind. */
export function otherController(
  { group, kind }: Kind,
  metadata: ObjectMetadata,
  spec: unknown,
): string | undefined {
  if (group !== "networking.k8s.io") return undefined;
  const { ingressClassName, controller } = (spec ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === "IngressClass") {
    return controller === CONTROLLER
      ? undefined
      : `IngressClass ${metadata.name} is another controller's and is passed over`;
  }
  const name = metadata.annotations[CLASS_ANNOTATION] ?? ingressClassName;
  if (name === CLASS) return undefined;
  const of = typeof name === "string" ? `of class ${name}` : "without a class";
  return `an Ingress ${of} is no part of the mesh and is passed over`;
}
