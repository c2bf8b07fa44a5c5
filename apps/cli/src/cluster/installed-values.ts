/** What an installation was made of: it keeps its own values, whoever installed it. */
import type { KubernetesClient } from "@heddle/agent/kubernetes";
import { INJECTION_CONFIG, type Installation, ofRevision, VALUES } from "@heddle/kube";
import { parse } from "yaml";
import { CliError } from "../output/cli-error.ts";
import { asked } from "./connect.ts";
import { checked, chosenValues, type ValueFlags } from "./values.ts";

/** Those given, where any are; else those that the installation keeps. Throws HDL9069 where there is none. */
export async function installedOrGiven(
  client: KubernetesClient,
  flags: ValueFlags & { readonly namespace: string },
): Promise<Installation> {
  const { namespace, revision = "default" } = flags;
  if (flags.filename.length + flags.set.length + flags.setString.length > 0)
    return { namespace, values: await chosenValues(flags) };
  const name = ofRevision(INJECTION_CONFIG, revision);
  const place = { apiVersion: "v1", plural: "configmaps", namespace };
  const there = await asked(client, `say whether there is ${namespace}/${name}`, () =>
    client.find(place, name),
  );
  const text = (there?.["data"] as Record<string, string> | undefined)?.[VALUES];
  if (text === undefined)
    throw new CliError(
      "HDL9069",
      `There is no Heddle of revision ${revision} in namespace ${namespace} of ${client.address}.`,
      "Check --context, --namespace and --revision, or install it: `heddle install`.",
    );
  return { namespace, values: checked([parse(text) as object]) };
}
