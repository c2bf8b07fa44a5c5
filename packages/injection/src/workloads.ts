/** Where the pods stand in what makes pods. */
import { isFields } from "@heddle/model";
import type { PodTemplate } from "./pod.ts";

/** Path to the template of the pods; empty where the object is the pod. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  ReplicaSet: ["spec", "template"],
  ReplicationController: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};
/** Groups that these kinds are of: another one's Job is something else. */
const GROUPS: ReadonlySet<string> = new Set(["v1", "apps", "batch", "extensions"]);

export interface Workload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: readonly string[];
  readonly template: PodTemplate;
}

/** Undefined for anything that makes no pods. */
export function workloadIn(value: unknown, defaultNamespace: string): Workload | undefined {
  if (!isFields(value)) return undefined;
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  const path = Object.hasOwn(TEMPLATES, kind) ? TEMPLATES[kind] : undefined;
  const [group = ""] = apiVersion.split("/");
  if (path === undefined || !GROUPS.has(group)) return undefined;
  const template = path.reduce<unknown>(
    (inner, step) => (isFields(inner) ? inner[step] : undefined),
    value,
  );
  if (!isFields(template) || !isFields(template["spec"])) return undefined;
  const { name, namespace } = isFields(metadata) ? metadata : {};
  return {
    kind,
    name: typeof name === "string" ? name : "",
    namespace: typeof namespace === "string" ? namespace : defaultNamespace,
    path,
    template: template as PodTemplate,
  };
}
