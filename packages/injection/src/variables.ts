/** Variables that Kubernetes puts into a container's arguments: `$(NAME)`, from the container's own environment. */
import type { EnvironmentVariable } from "./pod.ts";

const FIELDS = {
  POD_NAME: "metadata.name",
  POD_NAMESPACE: "metadata.namespace",
  POD_IP: "status.podIP",
  POD_IPS: "status.podIPs",
  SERVICE_ACCOUNT: "spec.serviceAccountName",
  NODE_NAME: "spec.nodeName",
} as const;

type Name = keyof typeof FIELDS;

const reference = (name: Name): string => `$(${name})`;

export const POD_NAME = reference("POD_NAME");
export const POD_NAMESPACE = reference("POD_NAMESPACE");
export const POD_IP = reference("POD_IP");
export const POD_IPS = reference("POD_IPS");
export const SERVICE_ACCOUNT = reference("SERVICE_ACCOUNT");
export const NODE_NAME = reference("NODE_NAME");

export const podVariables: readonly EnvironmentVariable[] = Object.entries(FIELDS).map(
  ([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } }),
);

const OTHER_DOLLAR = new RegExp(`\\$(?!\\((?:${Object.keys(FIELDS).join("|")})\\))`, "g");

/** A text as an argument in which only these variables are put in: every other `$` stays one. */
export function asArgument(text: string): string {
  return text.replace(OTHER_DOLLAR, "$$$$");
}
