/** Values that pods of ours have in common, whichever chart they are of. */
import { z } from "zod";

export const text = z.string();
export const strings = z.record(z.string(), z.string());
export const anything = z.record(z.string(), z.unknown());
/** As Kubernetes writes them, such as `200m` and `256Mi`. */
export const quantities = z.strictObject({
  requests: strings.default({}),
  limits: strings.default({}),
});

/** Which images, and how they are had. */
export const imageAccess = {
  /** Put in front of all of them, such as the name of a mirror: `mirror.example/library`. */
  registry: text.default(""),
  pullPolicy: z.enum(["", "Always", "IfNotPresent", "Never"]).default(""),
  pullSecrets: z.array(text).default([]),
};

/** Where pods run, and what they are marked with. */
export const podMarks = {
  annotations: strings.default({}),
  labels: strings.default({}),
  nodeSelector: strings.default({}),
  tolerations: z.array(anything).default([]),
  /** In place of keeping replicas, where there are any, on machines of their own. */
  affinity: anything.default({}),
  priorityClass: text.default(""),
};

/** Of pods that run a program of ours. */
export const podPlacement = {
  /** Arguments after those that the other values make. */
  arguments: z.array(text).default([]),
  environment: strings.default({}),
  ...podMarks,
};

/** A Secret in the same namespace, and the key in it. */
export const secretKey = (name: z.ZodDefault<z.ZodString>, key: string) =>
  z.strictObject({ name, key: text.min(1).default(key) }).prefault({});

/** Where agents find a token to join with. */
export const tokenSecret = secretKey(text.min(1).default("heddle-agent-token"), "token");

export const PLANE_IMAGE = "heddle/plane:v0.1.0";
