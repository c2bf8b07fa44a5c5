/** Heddle in a cluster of ours, on images that are made here. */
import { agentRights } from "@heddle/agent/rights";
import { type GivenValues, INSTALL_NAMESPACE, installationObjects, valuesOf } from "@heddle/kube";
import type { Cluster } from "./cluster.ts";
import { importAgent, importCapture, importPlane } from "./own-images.ts";

const READY_WITHIN = "--timeout=180s";

/** Tests that are not about gateways do without. */
const NO_GATEWAYS: GivenValues = {
  gateways: { ingress: { enabled: false }, egress: { enabled: false } },
};

/** One agent, and proxies that ask for so little that a node of two cores holds all of them. */
export const LITTLE: GivenValues = { profile: "demo" };

/**
 * Makes the images, where `images` is not false, applies what an installation of these values is made of, without gateways
 * unless they ask for them, and resolves when the agents are ready. Can be called again with other values.
 */
export async function installAgent(
  { state, kubectl }: Pick<Cluster, "state" | "kubectl">,
  given: GivenValues = {},
  { images = true }: { readonly images?: boolean } = {},
): Promise<void> {
  const installation = { values: valuesOf(NO_GATEWAYS, given), namespace: INSTALL_NAMESPACE };
  const { definitions, namespace, plane, agent, webhooks, gateways } = installationObjects(
    installation,
    agentRights(),
  );
  if (images) {
    const makers = [importAgent, importCapture, ...(plane.length > 0 ? [importPlane] : [])];
    await Promise.all(makers.map((make) => make(state)));
  }
  await kubectl.apply(...definitions, namespace);
  await kubectl.apply(...plane, ...agent);
  const inNamespace = ["--namespace", installation.namespace];
  const deployments = [...plane, ...agent].filter(({ kind }) => kind === "Deployment");
  for (const { metadata } of deployments)
    await kubectl("rollout", "status", ...inNamespace, `deployment/${metadata.name}`, READY_WITHIN);
  if (webhooks.length > 0) await kubectl.apply(...webhooks);
  if (gateways.length > 0) await kubectl.apply(...gateways);
}
