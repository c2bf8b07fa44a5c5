/** Istio's MeshConfig, as its file or the ConfigMap `istio` has it: what of it Heddle has a setting for, and what has no effect here. */
import { type Diagnostic, nearest, type ProxyConfig } from "@heddle/model";
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";
import type { InputFile } from "../commands/input.ts";
import {
  FIELDS,
  type MeshSettingsFound,
  PROXY_FIELDS,
  type Reads,
  type Report,
} from "./mesh-config-fields.ts";

export interface MeshConfig extends MeshSettingsFound {
  /** What of `pods` counts for proxies elsewhere too: it is in their bootstrap. */
  readonly proxies: Omit<ProxyConfig, "selector">;
  readonly diagnostics: readonly Diagnostic[];
}

/** Never throws: what is wrong is an Error among the diagnostics, and what is right beside it still counts. */
export function readMeshConfig(file: InputFile): MeshConfig {
  const { text, before } = meshText(file.content);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const diagnostics: Diagnostic[] = [];
  const into: MeshSettingsFound = { settings: {}, pods: {} };
  const reportAt =
    (at: number, path?: string): Report =>
    (code, level, message, remedy) =>
      diagnostics.push({
        ...{ code, level, message, origin: file.name, remedy },
        reference: `${file.name}:${before + lines.linePos(at).line}`,
        ...(path === undefined ? {} : { path }),
      });
  const [broken] = document.errors;
  const { contents } = document;
  if (broken) {
    reportAt(broken.pos[0])("HDL0002", "Error", broken.message, "Correct the YAML.");
  } else if (!isMap(contents)) {
    reportAt(0)("HDL0005", "Error", "This is no MeshConfig.", "Give fields such as trustDomain.");
  } else {
    const values = document.toJS() as Record<string, unknown>;
    visit(contents, values, "", FIELDS, into, reportAt);
    const proxies = contents.get("defaultConfig");
    if (isMap(proxies))
      visit(
        proxies,
        values["defaultConfig"] as Record<string, unknown>,
        "defaultConfig.",
        PROXY_FIELDS,
        into,
        reportAt,
      );
  }
  return { ...into, proxies: proxiesOf(into), diagnostics };
}

function proxiesOf({ pods }: MeshSettingsFound): MeshConfig["proxies"] {
  const { concurrency, proxyMetadata } = pods;
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(proxyMetadata === undefined ? {} : { environmentVariables: proxyMetadata }),
  };
}

/** The MeshConfig itself, and the number of lines before it: a ConfigMap holds it as one text. */
function meshText(content: string): { text: string; before: number } {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines });
  const inner = isMap(document.contents) ? document.getIn(["data", "mesh"], true) : undefined;
  if (document.get("kind") !== "ConfigMap" || !isScalar(inner)) return { text: content, before: 0 };
  return { text: String(inner.value), before: lines.linePos(inner.range?.[0] ?? 0).line };
}

function visit(
  map: YAMLMap,
  values: Readonly<Record<string, unknown>>,
  prefix: string,
  reads: Reads,
  into: MeshSettingsFound,
  reportAt: (at: number, path: string) => Report,
): void {
  for (const { key } of map.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const report = reportAt((isScalar(key) ? key.range?.[0] : undefined) ?? 0, prefix + name);
    const read = reads[name];
    if (read === "planned") {
      report(
        "HDL0016",
        "Warning",
        `${prefix}${name} has no effect here: Heddle has no setting for it.`,
        "Do without the field, or say it with the objects that there are for it.",
      );
    } else if (read) read(values[name], into, report);
    else {
      const near = nearest(name, Object.keys(reads));
      report(
        "HDL0010",
        "Error",
        `MeshConfig has no field ${prefix}${name}.`,
        near ? `Did you mean ${near}?` : "Take the field out.",
      );
    }
  }
}
