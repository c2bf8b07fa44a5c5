/** `heddle inject` without its terminal: files in, files with proxies out. */
import { injectDocuments, type NotInjected } from "@heddle/injection";
import type { Diagnostic, MeshObject, ProxyConfig } from "@heddle/model";
import type { InjectionFlags } from "../commands/injection-options.ts";
import type { InputFile } from "../commands/input.ts";
import { injectionMesh, injectionOptions } from "./injection-settings.ts";
import { loadFiles } from "./load.ts";
import type { MeshConfig } from "./mesh-config.ts";

export interface InjectedFiles {
  readonly text: string;
  /** Every object, lists as they are. */
  readonly values: readonly unknown[];
  readonly findings: readonly Diagnostic[];
  readonly left: readonly { readonly origin: string; readonly because: NotInjected }[];
}

export function injectFiles(
  files: readonly InputFile[],
  flags: InjectionFlags & { readonly namespace: string },
  meshConfig: MeshConfig | undefined,
): InjectedFiles {
  const { namespace } = flags;
  const proxyConfigs = loadFiles(files, namespace).objects.flatMap(({ object }) =>
    object.kind === "ProxyConfig" ? [object as MeshObject<ProxyConfig>] : [],
  );
  const injection = injectionOptions(flags);
  const mesh = injectionMesh(meshConfig);
  const made = files.map(({ name, content }) =>
    injectDocuments(content, { file: name, namespace, mesh, proxyConfigs, injection }),
  );
  return {
    text: made.map(({ text }) => (text.endsWith("\n") ? text : `${text}\n`)).join("---\n"),
    values: made.flatMap(({ values }) => values).filter((value) => value !== null),
    findings: [
      ...(meshConfig?.diagnostics ?? []),
      ...made.flatMap(({ diagnostics }) => diagnostics),
    ],
    left: made.flatMap(({ workloads }) =>
      workloads.flatMap(({ origin, because }) =>
        because === undefined ? [] : [{ origin, because }],
      ),
    ),
  };
}
