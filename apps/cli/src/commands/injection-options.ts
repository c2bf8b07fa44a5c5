/** Options of the commands that make pods: of what mesh, with what images, for what cluster. */
import { type Command, InvalidArgumentError } from "commander";

export interface InjectionFlags {
  readonly meshConfig?: string;
  readonly revision?: string;
  readonly kubernetesVersion?: number;
  readonly proxyImage?: string;
  readonly initImage?: string;
  readonly agent?: string;
  readonly cluster?: string;
}

export function withInjection(command: Command): Command {
  return command
    .option("--mesh-config <file>", "Istio's MeshConfig, or the ConfigMap that holds it")
    .option("--revision <name>", "the revision that the proxies are of")
    .option(
      "--kubernetes-version <version>",
      "the cluster's, 1.34 without it: native sidecars from 1.29 on",
      parseMinor,
    )
    .option("--proxy-image <image>", "stock Envoy; ProxyConfigs choose the kind by its tag")
    .option("--init-image <image>", "an image with sh and iptables-restore")
    .option("--agent <name>", "what the agent is called in the cluster")
    .option("--cluster <id>", "the cluster's name in the mesh");
}

/** The minor version of `1.34`, `v1.34.4`. */
function parseMinor(text: string): number {
  const [, minor] = /^v?1\.(\d{1,3})(?:\.|$)/.exec(text) ?? [];
  if (minor === undefined) throw new InvalidArgumentError("Give a version such as 1.34.");
  return Number(minor);
}
