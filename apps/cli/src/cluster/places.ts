/** Where the API server has the kinds that an installation is made of. */
import type { Place } from "@heddle/agent/kubernetes";
import type { KubernetesObject } from "@heddle/kube";

export function placeOf({ apiVersion, kind, metadata }: KubernetesObject): Place {
  // None of these kinds has another plural.
  const plural = `${kind.toLowerCase()}s`;
  const { namespace } = metadata;
  return { apiVersion, plural, ...(namespace === undefined ? {} : { namespace }) };
}

/** `Deployment heddle-system/heddle-agent` */
export function nameOf({ kind, metadata: { namespace, name } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}
