/** Schemas of what policies apply to: references to objects, beside a selector of workloads. */
import { z } from "zod";
import type { PolicyTargetReference } from "../kinds/policy-target.ts";
import { workloadSelector } from "./destination.ts";
import { fields, matching, optional, text } from "./fields.ts";

const GROUP = /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*)?$/;
const KIND = /^[a-zA-Z](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;

const targetReference: z.ZodType<PolicyTargetReference> = fields({
  group: optional(matching(GROUP, "an API group", "Write it like gateway.networking.k8s.io.", 253)),
  kind: matching(KIND, "a kind", "Write it like Service or Gateway.", 63).min(1),
  name: text.min(1).max(253),
  namespace: optional(text),
});

const targetRefs = optional(z.array(targetReference).max(16));

/** Fields of a kind that applies to workloads or to named objects. */
export const policyTarget = {
  selector: optional(workloadSelector),
  targetRef: optional(targetReference),
  targetRefs,
};

/** The same without the deprecated `targetRef`. */
export const policyTargets = { selector: optional(workloadSelector), targetRefs };
/** For kinds whose selector is written in another way. */
export { targetRefs };
