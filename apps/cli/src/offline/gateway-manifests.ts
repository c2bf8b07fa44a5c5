/** `heddle manifest gateway` without its terminal: what serves the Gateways of files. */
import { deployGateway, gatewayRequest, type NotDeployed } from "@heddle/injection";
import {
  type Diagnostic,
  type GatewayApi,
  type MeshObject,
  originOf,
  objectKey,
  type ParsedObject,
  type ProxyConfig,
} from "@heddle/model";
import { CliError } from "../output/cli-error.ts";
import type { InjectionFlags } from "../commands/injection-options.ts";
import type { InputFile } from "../commands/input.ts";
import { injectionMesh, injectionOptions } from "./injection-settings.ts";
import { loadFiles } from "./load.ts";
import type { MeshConfig } from "./mesh-config.ts";

export interface GatewayManifests {
  readonly objects: readonly object[];
  readonly findings: readonly Diagnostic[];
  readonly left: readonly { readonly origin: string; readonly because: NotDeployed }[];
}

const GROUP = "gateway.networking.k8s.io";

/** Throws HDL9062 where the files hold no Gateway, or not one that was named. */
export function gatewayManifests(
  files: readonly InputFile[],
  names: readonly string[],
  flags: InjectionFlags & { readonly namespace: string },
  meshConfig: MeshConfig | undefined,
): GatewayManifests {
  const { objects, diagnostics } = loadFiles(files, flags.namespace);
  const byKey = new Map(objects.map(({ object }) => [objectKey(object), object]));
  const at = <Spec>(key: string) => byKey.get(key) as MeshObject<Spec> | undefined;
  const ofKind = <Spec>(kind: string) =>
    [...byKey.values()].filter((each): each is MeshObject<Spec> => each.kind === kind);
  const found = objects.filter(
    ({ object }) => object.kind === "Gateway" && object.apiVersion.startsWith(`${GROUP}/`),
  );
  const chosen = choose(found, names);
  const listenerSets = [
    ...ofKind<GatewayApi.ListenerSet>("ListenerSet"),
    ...ofKind<GatewayApi.ListenerSet>("XListenerSet"),
  ];
  const findings: Diagnostic[] = [...(meshConfig?.diagnostics ?? []), ...diagnostics];
  const left: GatewayManifests["left"][number][] = [];
  const made = chosen.flatMap(({ object, source }) => {
    const gateway = object as MeshObject<GatewayApi.Gateway>;
    const request = gatewayRequest(gateway, {
      at,
      listenerSets,
      proxyConfigs: ofKind<ProxyConfig>("ProxyConfig"),
      mesh: injectionMesh(meshConfig),
    });
    const result = deployGateway(request, injectionOptions(flags));
    const origin = originOf(gateway);
    for (const { path = "", ...finding } of result.findings)
      findings.push({
        ...finding,
        origin,
        reference: `${source.file}:${source.lineOf(path)}`,
        path,
      });
    if (result.deployed) return result.objects;
    left.push({ origin, because: result.because });
    return [];
  });
  return { objects: made, findings, left };
}

function choose(found: readonly ParsedObject[], names: readonly string[]): readonly ParsedObject[] {
  const known = found.map(({ object }) => object.metadata.name);
  const missing = names.filter((name) => !known.includes(name));
  if (found.length === 0 || missing.length > 0) {
    throw new CliError(
      "HDL9062",
      `The files hold no Gateway of the Gateway API${missing.length > 0 ? ` named ${missing.join(", ")}` : ""}.`,
      known.length > 0 ? `There are: ${known.join(", ")}.` : "Name the files that hold it with -f.",
      2,
    );
  }
  return names.length === 0
    ? found
    : found.filter(({ object }) => names.includes(object.metadata.name));
}
