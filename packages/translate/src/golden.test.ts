/**
 * Translations written down: what the proxy with the xDS node of `testdata/<case>/proxy.yaml` gets of `in.yaml`.
 * `UPDATE_GOLDEN=1` rewrites them.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canonical, encode, merge } from "@heddle/envoy";
import { objectKey, parseDocuments } from "@heddle/model";
import { afterAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { envoyBinary, validate } from "../../../test/harness/envoy-process.ts";
import { MESH } from "../../../test/harness/world.ts";
import { parseNode, type XdsNode } from "./node.ts";
import { staticBootstrap } from "./static-bootstrap.ts";
import { createTranslator } from "./translator.ts";

const FOLDER = fileURLToPath(new URL("../testdata/", import.meta.url));
const updating = process.env["UPDATE_GOLDEN"] === "1";

const FILES = {
  "listeners.yaml": { type: "listener", message: "envoy.config.listener.v3.Listener" },
  "routes.yaml": { type: "route", message: "envoy.config.route.v3.RouteConfiguration" },
  "clusters.yaml": { type: "cluster", message: "envoy.config.cluster.v3.Cluster" },
  "endpoints.yaml": { type: "endpoint", message: "envoy.config.endpoint.v3.ClusterLoadAssignment" },
  "extensions.yaml": { type: "extension", message: "envoy.config.core.v3.TypedExtensionConfig" },
} as const;
/** What a client of gRPC's asks for by name, where it is not given everything of a type. */
interface Asks {
  readonly asks?: Readonly<Record<string, readonly string[]>>;
}

const MISSING = "(missing: run with UPDATE_GOLDEN=1)";
const INPUTS = ["in.yaml", "proxy.yaml"];

describe.each(await readdir(FOLDER))("%s", async (name) => {
  const folder = join(FOLDER, name);
  const node = parse(await readFile(join(folder, "proxy.yaml"), "utf8")) as XdsNode & Asks;
  const { objects, diagnostics } = parseDocuments(await readFile(join(folder, "in.yaml"), "utf8"), {
    file: "in.yaml",
    defaultNamespace: "default",
  });
  const translator = createTranslator({
    mesh: MESH,
    clusterId: "c1",
    envoyApi: { canonical, merge },
  });
  translator.apply(objects.map(({ object }) => ({ key: objectKey(object), object })));
  const view = translator.view(parseNode(node));
  afterAll(() => view.dispose());

  test("is read and translated without complaint", () => {
    expect(diagnostics.filter(({ level }) => level === "Error")).toEqual([]);
    expect(translator.diagnostics()).toEqual([]);
  });

  test.each(Object.entries(FILES))(
    "%s is as written down, and known to Envoy's API",
    async (file, { type, message }) => {
      const asked = node.asks?.[type]?.map((name) => [name, view.named(type, name)] as const);
      const values = [...(asked ?? view.resources(type))]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([, value]) => value as object);
      for (const value of values) expect(() => encode(message, value)).not.toThrow();
      // Parts that several resources share are written once, as they are held once.
      const text = stringify(values, { lineWidth: 0 });
      const path = join(folder, file);
      // Few proxies have any.
      const wanted = type !== "extension" || values.length > 0;
      if (updating) await (wanted ? writeFile(path, text) : rm(path, { force: true }));
      expect(wanted ? text : MISSING).toBe(await readFile(path, "utf8").catch(() => MISSING));
    },
  );

  test("has no file that nothing writes", async () => {
    const orphans = (await readdir(folder)).filter(
      (file) => !(file in FILES) && !INPUTS.includes(file),
    );
    if (updating) await Promise.all(orphans.map((file) => rm(join(folder, file))));
    else expect(orphans).toEqual([]);
  });

  test.skipIf(!envoyBinary)("validates in Envoy without a warning", async () => {
    expect(await validate(staticBootstrap(view.proxy, view))).toBe("");
  });
});
