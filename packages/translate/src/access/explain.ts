/** Whether a workload's proxy would take a request, and what decides: all that guards it, in the order in which it is asked. */
import {
  type AccessExplanation,
  type AccessOutcome,
  type AccessQuestion,
  type AccessStep,
  type AuthorizationPolicy,
  type MeshObject,
  objectKey,
} from "@heddle/model";
import { askedSteps, judgedSteps } from "../authorization/explain.ts";
import type { AuthorizationInput } from "../authorization/filters.ts";
import { providerNamed } from "../authorization/provider.ts";
import { inboundPorts } from "../listener/inbound-ports.ts";
import type { ProxyDescription } from "../proxy.ts";
import type { ModelReader } from "../read.ts";
import { handlingOf } from "../route/service-ports.ts";
import { acceptedTrustDomains } from "../trust-domains.ts";
import { type Asked, factsOf } from "./asked.ts";
import { mutualTlsStep } from "./mutual-tls.ts";
import { tokenStep } from "./token.ts";
import { validationStep } from "./validation.ts";

export function explainAccess(
  read: ModelReader,
  proxy: ProxyDescription,
  question: AccessQuestion,
): AccessExplanation {
  const asked = askedOf(read, proxy, question);
  const { layer, port } = asked;
  const steps = upToRefusal(stepsOf(read, proxy, asked));
  const outcome = outcomeOf(steps);
  const at = steps.findIndex((step) => !step.dryRun && step.outcome === outcome);
  return { layer, port, outcome, ...(outcome === "passes" ? {} : { decidedBy: at }), steps };
}

function stepsOf(read: ModelReader, proxy: ProxyDescription, asked: Asked): readonly AccessStep[] {
  const { layer } = asked;
  const { trustDomain, trustDomainAliases } = read.mesh;
  const authorization: AuthorizationInput = {
    policies: read.authorizationPolicies(proxy) as readonly MeshObject<AuthorizationPolicy>[],
    trustDomains: { trustDomain, ...(trustDomainAliases ? { trustDomainAliases } : {}) },
    provider: (name) => providerNamed(read, name),
  };
  const authentications = layer === "http" ? read.requestAuthentications(proxy) : [];
  const validation = layer === "http" ? read.requestValidation(proxy) : undefined;
  const facts = (token: "unread" | "read") =>
    factsOf(asked, { authentications, validation, token });
  return [
    ...(proxy.type === "sidecar" ? [mutualTlsStep(asked, acceptedTrustDomains(read.mesh))] : []),
    ...(validation ? [validationStep(validation, facts("unread"))] : []),
    ...askedSteps(authorization, layer, facts("unread")),
    ...tokenStep(authentications, asked.claims),
    ...judgedSteps(authorization, layer, facts("read")),
  ];
}

/** Nothing behind that is asked any more. */
function upToRefusal(steps: readonly AccessStep[]): readonly AccessStep[] {
  const at = steps.findIndex(isRefusal);
  return at < 0 ? steps : steps.slice(0, at + 1);
}

function isRefusal({ outcome, dryRun }: AccessStep): boolean {
  return outcome === "refused" && !dryRun;
}

function outcomeOf(steps: readonly AccessStep[]): AccessOutcome {
  if (steps.some(isRefusal)) return "refused";
  const open = steps.some(({ outcome, dryRun }) => outcome === "depends" && !dryRun);
  return open ? "depends" : "passes";
}

function askedOf(read: ModelReader, proxy: ProxyDescription, question: AccessQuestion): Asked {
  const ports = inboundPorts(read, proxy);
  const served =
    ports.find(({ targetPort }) => targetPort === question.port) ??
    ports.find(({ servicePort }) => servicePort === question.port);
  const port = served?.targetPort ?? question.port;
  const { mode, policy } = read.decidedMutualTls(proxy.namespace, proxy.labels, port);
  return {
    ...question,
    port,
    layer: layerOf(proxy, question, served && handlingOf(served.protocol)),
    type: proxy.type,
    mutualTls: { mode, policy: policy && objectKey(policy) },
  };
}

/** Where the port does not say it, the question does. */
function layerOf(
  { type }: ProxyDescription,
  { layer, method, path, host }: AccessQuestion,
  handling: ReturnType<typeof handlingOf> | undefined,
): "http" | "tcp" {
  if (handling === "http" || handling === "tcp") return handling;
  return layer ?? (type === "router" || (method ?? path ?? host) !== undefined ? "http" : "tcp");
}
