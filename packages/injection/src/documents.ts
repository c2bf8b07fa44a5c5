/** Files of Kubernetes objects with proxies put into their pods; everything else stays as it was written, comments and all. */
import {
  type Diagnostic,
  type MeshObject,
  type ProxyConfig,
  readSource,
  textDiagnostic,
} from "@heddle/model";
import { type Document, isMap, isSeq, stringify } from "yaml";
import { inject } from "./inject.ts";
import type { NotInjected } from "./policy.ts";
import type { InjectionMesh, InjectionOptions } from "./settings.ts";
import { type Workload, workloadIn } from "./workloads.ts";

export interface InjectedText {
  readonly text: string;
  /** Values of the documents, lists as they are. */
  readonly values: readonly unknown[];
  readonly diagnostics: readonly Diagnostic[];
  /** Everything that makes pods, and why it has no proxy where it has none. */
  readonly workloads: readonly { readonly origin: string; readonly because?: NotInjected }[];
}

export interface DocumentOptions {
  readonly file: string;
  readonly namespace: string;
  readonly mesh: InjectionMesh;
  /** Of all files: one may say how the pods of another are run. */
  readonly proxyConfigs?: readonly MeshObject<ProxyConfig>[];
  readonly injection: InjectionOptions;
}

/** Never throws on what a user wrote: text that cannot be read is an Error among the diagnostics, and comes back as it is. */
export function injectDocuments(text: string, options: DocumentOptions): InjectedText {
  const { documents: read, empty, findings } = readSource(text);
  const diagnostics = findings.map((finding) => textDiagnostic(finding, options.file));
  if (findings.length > 0) return { text, values: [], diagnostics, workloads: [] };
  const parts: readonly Part[] = [
    ...read,
    ...empty.map((document) => ({ document, value: null, lineOf: () => 1 })),
  ].toSorted((a, b) => beginOf(a.document) - beginOf(b.document));
  const documents = parts.map(({ document }) => document);
  const values = parts.map(({ value }) => value);
  const workloads: { origin: string; because?: NotInjected }[] = [];
  const changed = parts.map(({ value, lineOf }) => {
    return changes(value, [], options.namespace).flatMap(({ workload, at }) => {
      const line = lineOf(pathText(at));
      const made = injected(workload, options, line, diagnostics);
      const origin = originOf(workload);
      workloads.push(made.because === undefined ? { origin } : { origin, because: made.because });
      return made.template === undefined
        ? []
        : [{ path: [...at, ...workload.path], template: made.template }];
    });
  });
  const out = values.map((value, index) =>
    (changed[index] ?? []).reduce(
      (made, { path, template }) => replaced(made, path, template),
      value,
    ),
  );
  return {
    text: written(text, documents, changed, out),
    values: out,
    diagnostics,
    workloads,
  };
}

interface Part {
  readonly value: unknown;
  readonly document: Document;
  readonly lineOf: (path: string) => number;
}

const beginOf = ({ range }: Document): number => range?.[0] ?? 0;

type Path = readonly (string | number)[];

/** `items[2]`: inside of a document there is nothing else between it and what makes pods. */
const pathText = (path: Path): string =>
  path.reduce<string>(
    (text, step) =>
      typeof step === "number" ? `${text}[${step}]` : text ? `${text}.${step}` : step,
    "",
  );

function changes(
  value: unknown,
  at: Path,
  namespace: string,
): { readonly workload: Workload; readonly at: Path }[] {
  const { kind, items } = (value ?? {}) as { kind?: unknown; items?: unknown };
  if (typeof kind === "string" && kind.endsWith("List") && Array.isArray(items))
    return items.flatMap((item: unknown, index) =>
      changes(item, [...at, "items", index], namespace),
    );
  const workload = workloadIn(value, namespace);
  return workload ? [{ workload, at }] : [];
}

const originOf = ({ kind, namespace, name }: Workload) => `${kind} ${namespace}/${name}`;

function injected(
  workload: Workload,
  { mesh, proxyConfigs = [], injection, file }: DocumentOptions,
  line: number,
  diagnostics: Diagnostic[],
): { readonly template?: object; readonly because?: NotInjected } {
  const made = inject(
    {
      pod: workload.template,
      namespace: { name: workload.namespace },
      mesh,
      proxyConfigs,
      ...(workload.kind === "Pod" ? {} : { workload: workload.name }),
    },
    injection,
  );
  for (const { path, ...finding } of made.findings)
    diagnostics.push({
      ...finding,
      origin: originOf(workload),
      reference: `${file}:${line}`,
      ...(path === undefined ? {} : { path: [...workload.path, path].join(".") }),
    });
  return made.injected ? { template: made.pod } : { because: made.because };
}

function replaced(value: unknown, [step, ...rest]: Path, inner: object): unknown {
  if (step === undefined) return { ...(value as object), ...inner };
  if (Array.isArray(value))
    return value.map((item: unknown, index) =>
      index === step ? replaced(item, rest, inner) : item,
    );
  const object = value as Readonly<Record<string | number, unknown>>;
  return { ...object, [step]: replaced(object[step], rest, inner) };
}

/** Documents that did not change are copied out of the text; of the others what is outside of their pods keeps its comments. */
function written(
  text: string,
  documents: readonly Document[],
  changed: readonly (readonly { readonly path: Path; readonly template: object }[])[],
  out: readonly unknown[],
): string {
  if (changed.every((each) => each.length === 0)) return text;
  const parts = documents.map((document, index) => {
    const templates = changed[index] ?? [];
    if (templates.length > 0) return withTemplates(document, templates, out[index]);
    const begin = index === 0 ? 0 : (documents[index - 1]?.range?.[2] ?? 0);
    return text.slice(begin, document.range?.[2]).replace(/^\s*---(?: *\n|$)/, "");
  });
  return parts.map((part) => (part.endsWith("\n") ? part : `${part}\n`)).join("---\n");
}

function withTemplates(
  document: Document,
  templates: readonly { readonly path: Path; readonly template: object }[],
  value: unknown,
): string {
  const options = { lineWidth: 0, directives: false };
  try {
    for (const { path, template } of templates)
      for (const field of ["metadata", "spec"] as const) {
        const inner = (template as Readonly<Record<string, unknown>>)[field];
        if (inner !== undefined)
          document.setIn(
            [...path, field],
            document.createNode(inner, { aliasDuplicateObjects: false }),
          );
      }
    if (!isMap(document.contents) && !isSeq(document.contents)) return stringify(value, options);
    document.directives = undefined as unknown as NonNullable<Document["directives"]>;
    return document.toString(options);
  } catch {
    // Something outside of the pod was written as a copy of what stands in it.
    return stringify(value, { ...options, aliasDuplicateObjects: false });
  }
}
