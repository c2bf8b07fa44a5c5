/** Pods written down: what `testdata/inject/<case>.yaml` becomes. `UPDATE_GOLDEN=1` rewrites them. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type MeshObject, parseDocuments, type ProxyConfig } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { envoyBinary, validate } from "../../../test/harness/envoy-process.ts";
import { injectDocuments } from "./documents.ts";
import { defaultOptions } from "./settings.ts";
import { withProxiesIn } from "./testing/expand.ts";

const FOLDER = fileURLToPath(new URL("../testdata/inject/", import.meta.url));
const updating = process.env["UPDATE_GOLDEN"] === "1";
const GOLDEN = ".injected.yaml";
const files = await readdir(FOLDER);
const cases = files
  .filter((name) => !name.endsWith(GOLDEN))
  .map((name) => name.replace(".yaml", ""));

/** The first lines of a case may say for what cluster: `# kubernetes 1.28`. */
function optionsOf(text: string) {
  const minor = /^# kubernetes 1\.(\d+)/m.exec(text)?.[1];
  return minor === undefined
    ? defaultOptions
    : { ...defaultOptions, kubernetesMinor: Number(minor) };
}

describe.each(cases)("%s", async (name) => {
  const text = await readFile(join(FOLDER, `${name}.yaml`), "utf8");
  const proxyConfigs = parseDocuments(text, { file: `${name}.yaml` }).objects.flatMap(
    ({ object }) => (object.kind === "ProxyConfig" ? [object as MeshObject<ProxyConfig>] : []),
  );
  const made = injectDocuments(text, {
    proxyConfigs,
    file: `${name}.yaml`,
    namespace: "default",
    mesh: { rootNamespace: "istio-system", clusterDomain: "cluster.local" },
    injection: { ...optionsOf(text), asked: true },
  });

  test("becomes what is written down", async () => {
    const told = made.diagnostics.map(
      ({ code, level, message }) => `# ${level} ${code} ${message}`,
    );
    const why = made.workloads.flatMap(({ origin, because }) =>
      because === undefined ? [] : [`# ${origin} is not injected: ${because}`],
    );
    const whole = [...told, ...why, made.text].join("\n");
    const path = join(FOLDER, `${name}${GOLDEN}`);
    if (updating) await writeFile(path, whole);
    expect(whole).toBe(
      await readFile(path, "utf8").catch(() => "(missing: run with UPDATE_GOLDEN=1)"),
    );
  });

  test("can be read again as the values that it stands for", () => {
    const again = parseAllDocuments(made.text).map((document) => document.toJS() as unknown);
    expect(again).toEqual(made.values);
  });

  test("is left as it is when it is put through once more", () => {
    const again = injectDocuments(made.text, {
      proxyConfigs,
      file: `${name}.yaml`,
      namespace: "default",
      mesh: { rootNamespace: "istio-system", clusterDomain: "cluster.local" },
      injection: { ...optionsOf(text), asked: true },
    });
    if (!made.workloads.some(({ because }) => because === undefined)) return;
    expect(again.text).toBe(made.text);
  });

  test.skipIf(!envoyBinary)("starts Envoys on bootstraps that these accept", async () => {
    let proxies = 0;
    await withProxiesIn(made.values, async ({ bootstrap }) => {
      proxies += 1;
      expect(await validate(bootstrap)).toBe("");
    });
    expect(proxies).toBe(made.workloads.filter(({ because }) => because === undefined).length);
  });
});

test("there is no file that nothing writes", async () => {
  const orphans = files.filter(
    (file) => file.endsWith(GOLDEN) && !cases.includes(file.slice(0, -GOLDEN.length)),
  );
  if (updating) await Promise.all(orphans.map((file) => rm(join(FOLDER, file))));
  else expect(orphans).toEqual([]);
});
