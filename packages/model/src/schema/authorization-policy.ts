/** Schema of AuthorizationPolicy: every field of security.istio.io/v1 and v1beta1. */
import { z } from "zod";
import type { AuthorizationPolicy } from "../kinds/authorization-policy.ts";
import { fields, optional, text, texts } from "./fields.ts";
import { policyTarget } from "./policy-target.ts";

const list = optional(texts);
const serviceAccounts = optional(z.array(text.max(320)).max(16));

const source = fields({
  principals: list,
  notPrincipals: list,
  requestPrincipals: list,
  notRequestPrincipals: list,
  namespaces: list,
  notNamespaces: list,
  serviceAccounts,
  notServiceAccounts: serviceAccounts,
  trustDomains: list,
  notTrustDomains: list,
  ipBlocks: list,
  notIpBlocks: list,
  remoteIpBlocks: list,
  notRemoteIpBlocks: list,
});

const operation = fields({
  hosts: list,
  notHosts: list,
  ports: list,
  notPorts: list,
  methods: list,
  notMethods: list,
  paths: list,
  notPaths: list,
});

const rule = fields({
  from: optional(z.array(fields({ source: optional(source) })).max(512)),
  to: optional(z.array(fields({ operation: optional(operation) }))),
  when: optional(z.array(fields({ key: text, values: list, notValues: list }))),
});

export const authorizationPolicySchema: z.ZodType<AuthorizationPolicy> = fields({
  ...policyTarget,
  rules: optional(z.array(rule).max(512)),
  action: optional(z.enum(["ALLOW", "DENY", "AUDIT", "CUSTOM"])),
  provider: optional(fields({ name: optional(text) })),
});
