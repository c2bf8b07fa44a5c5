/** What objects of an installation have in common: their shape, names and labels. */
import { REVISION_LABEL } from "@heddle/model";
import { OWN_LABELS, ofRevision } from "../names.ts";
import type { Values } from "./values.ts";

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** One installation: what was chosen, and in which namespace it lies. */
export interface Installation {
  readonly values: Values;
  readonly namespace: string;
}

export const INSTALL_NAMESPACE = "heddle-system";

/** Revisions lie side by side: every name but the usual revision's says whose it is. */
export function named(name: string, { values }: Installation): string {
  return ofRevision(name, values.revision);
}

/** Istio's label of a revision is none of them: it would say that the object is a pod to inject. */
export function labelsOf({ values }: Installation): Record<string, string> {
  return { ...OWN_LABELS, [REVISION_LABEL]: values.revision };
}

/** Whether it also stands for what names no revision. */
export function isDefault({ values }: Installation): boolean {
  return values.isDefault ?? values.revision === "default";
}

/** The labels by which Deployment and Service know the agent's pods; they cannot change later. */
export function selectorOf(installation: Installation): Record<string, string> {
  return {
    "app.kubernetes.io/name": "heddle-agent",
    [REVISION_LABEL]: installation.values.revision,
  };
}

/** The image's full name. */
export function imageOf(image: string, { values: { images } }: Installation): string {
  return imageIn(image, images.registry);
}

export function imageIn(image: string, registry: string): string {
  return registry === "" ? image : `${registry.replace(/\/+$/, "")}/${image}`;
}
