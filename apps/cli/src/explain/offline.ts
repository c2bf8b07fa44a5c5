/** Answers about access from files, without a plane or an agent. */
import { canonical, merge } from "@heddle/envoy";
import { type MeshObject, objectKey, type Pod } from "@heddle/model";
import { createTranslator, parseNode, type Translator } from "@heddle/translate";
import type { InputFile } from "../commands/input.ts";
import { loadFiles } from "../offline/load.ts";
import type { MeshConfig } from "../offline/mesh-config.ts";
import { describeProxy, meshOf } from "../offline/xds.ts";
import { type Answering, identity, nobody } from "./answers.ts";
import type { Workload } from "./question.ts";

export function answersOfFiles(
  files: readonly InputFile[],
  meshConfig: MeshConfig | undefined,
): Answering & { readonly diagnostics: ReturnType<typeof loadFiles>["diagnostics"] } {
  const { objects: parsed, diagnostics } = loadFiles(files, "default");
  const objects = parsed.map(({ object }) => object);
  const sources = new Map(
    parsed.map(({ object, source }) => [objectKey(object), `${source.file}:${source.lineOf("")}`]),
  );
  const mesh = meshOf({ meshConfig });
  const translator = createTranslator({ mesh, envoyApi: { canonical, merge } });
  translator.apply(objects.map((object) => ({ key: objectKey(object), object })));
  const proxyOf = (name: string) =>
    describeProxy(objects, name, {
      rootNamespace: mesh.rootNamespace,
      proxies: meshConfig?.proxies ?? {},
    }).proxy;
  return {
    diagnostics,
    async answer(question) {
      const workload = { namespace: question.namespace, name: question.workload };
      const name = `${podOf(objects, translator, workload)}.${workload.namespace}`;
      const explanation = translator.explain(proxyOf(name), question);
      const read = explanation.steps
        .flatMap((step) => step.objects)
        .flatMap((key) => (sources.has(key) ? [[key, sources.get(key)!] as const] : []));
      return {
        agent: "",
        ...{ proxy: name, explanation, sources: Object.fromEntries(read), known: [] },
      };
    },
    async identityOf(workload) {
      const name = podOf(objects, translator, workload);
      const { serviceAccount } = proxyOf(`${name}.${workload.namespace}`);
      return identity(translator.mesh().trustDomain, workload.namespace, serviceAccount);
    },
  };
}

/** Its own name, or that of the first pod of the workload. */
function podOf(objects: readonly MeshObject[], translator: Translator, workload: Workload): string {
  const { namespace, name } = workload;
  const there = objects.filter(
    ({ kind, metadata }) =>
      (kind === "Pod" || kind === "WorkloadEntry") && metadata.namespace === namespace,
  );
  const workloadOf = ({ metadata, spec }: MeshObject) => {
    const id = `sidecar~${(spec as Pod).status?.podIP ?? ""}~${metadata.name}.${namespace}~`;
    return translator.workloadOf(parseNode({ id, metadata: { LABELS: metadata.labels } })).workload;
  };
  const found =
    there.find(({ metadata }) => metadata.name === name) ??
    there.find((each) => workloadOf(each) === name);
  if (found) return found.metadata.name;
  throw nobody(workload, "", [...new Set(there.map(workloadOf))].toSorted());
}
