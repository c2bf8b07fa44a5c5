/**
 * Every example that the Gateway API's own repository gives, translated, and taken by Envoy. The examples come from the Go
 * module, by the `go` command and into its cache; what they become is written down beside this file. `UPDATE_GOLDEN=1`
 * rewrites it.
 */
import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { gatewayApiStatusOf, MeshIndex } from "@heddle/analysis";
import { type MeshObject, objectKey, parseDocuments } from "@heddle/model";
import { createTranslator, parseNode, staticBootstrap, type XdsNode } from "@heddle/translate";
import { afterAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { createAuthority } from "../harness/certificates.ts";
import { validate } from "../harness/envoy-process.ts";
import { MESH } from "../harness/world.ts";
import { companionsOf } from "./gateway-api-examples/companions.ts";
import { compactListener } from "./gateway-api-examples/compact-listener.ts";

const MODULE = "sigs.k8s.io/gateway-api@v1.6.3";
const GOLDEN = path.join(import.meta.dirname, "gateway-api-examples");
/** Envoy says so of the one way to send datagrams on that is not deprecated. */
const UNFINISHED = /UdpProxyConfig\.matcher' is marked as work-in-progress/;
const updating = process.env["UPDATE_GOLDEN"] === "1";

const examples = examplesFolder();
const authority = (await createAuthority()).certificate;

describe.skipIf(examples === undefined)("the Gateway API's examples", () => {
  const cases = casesIn(examples ?? "");
  const written = new Set<string>();

  test("are there", () => {
    expect(cases.size).toBeGreaterThan(40);
  });

  test.each([...cases])("%s", async (name, files) => {
    const objects = await read(files);
    const world = [...companionsOf(objects, authority), ...objects.map(ours)];
    const translator = createTranslator({ mesh: MESH, clusterId: "c1" });
    translator.apply(world.map((object) => ({ key: objectKey(object), object })));
    const proxies: Record<string, unknown> = {};
    for (const node of nodesOf(world)) {
      const view = translator.view(parseNode(node));
      try {
        const values = (type: "listener" | "route" | "cluster") =>
          [...view.resources(type)]
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([, each]) => each);
        const id = node.id ?? "";
        const own = id.startsWith("router");
        proxies[id] = {
          ...(own ? { listeners: values("listener").map((each) => compactListener(each)) } : {}),
          routes: values("route"),
          clusters: [...view.resources("cluster").keys()].toSorted(),
          tls: values("cluster").flatMap((cluster) => {
            const { name: of, transportSocket } = cluster as Record<string, unknown>;
            return transportSocket ? [{ name: of, transportSocket }] : [];
          }),
        };
        const said = await validate(staticBootstrap(view.proxy, view));
        expect(said.split("\n").filter((line) => !UNFINISHED.test(line))).toEqual(
          said === "" ? [""] : [],
        );
      } finally {
        view.dispose();
      }
    }
    expect(translator.diagnostics()).toEqual([]);

    const golden = { conditions: conditionsOf(world), proxies };
    const text = stringify(golden, { lineWidth: 0, aliasDuplicateObjects: false }).replaceAll(
      /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g,
      "(a certificate)",
    );
    const file = `${name.replaceAll("/", "-")}.yaml`;
    written.add(file);
    if (updating) await writeFile(path.join(GOLDEN, file), text);
    expect(text).toBe(await readFile(path.join(GOLDEN, file), "utf8"));
  });

  afterAll(async () => {
    if (!updating) return;
    for (const file of await readdir(GOLDEN)) {
      if (file.endsWith(".yaml") && !written.has(file)) await rm(path.join(GOLDEN, file));
    }
  });
});

/** Undefined, and said so, where there is no Go to fetch them with. In CI that is a failure. */
function examplesFolder(): string | undefined {
  try {
    const found = execFileSync("go", ["mod", "download", "-json", MODULE], {
      encoding: "utf8",
      env: { ...process.env, GOFLAGS: "-mod=mod" },
      cwd: import.meta.dirname,
    });
    return path.join((JSON.parse(found) as { Dir: string }).Dir, "examples");
  } catch (error) {
    if (process.env["CI"]) throw error;
    console.warn(`skipped: ${MODULE} could not be fetched: ${(error as Error).message}`);
    return undefined;
  }
}

/** Files of one folder belong together; those at the top stand alone. */
function casesIn(folder: string): Map<string, string[]> {
  const cases = new Map<string, string[]>();
  for (const file of globSync("**/*.yaml", { cwd: folder }).toSorted()) {
    const parts = file.split("/");
    const name = (parts.length > 2 ? parts.slice(0, -1) : parts).join("/").replace(/\.yaml$/, "");
    cases.set(name, [...(cases.get(name) ?? []), path.join(folder, file)]);
  }
  return cases;
}

async function read(files: readonly string[]): Promise<readonly MeshObject[]> {
  const all: MeshObject[] = [];
  for (const file of files) {
    const { objects, diagnostics } = parseDocuments(await readFile(file, "utf8"), {
      file: path.basename(file),
      defaultNamespace: "default",
    });
    expect(diagnostics.filter(({ level }) => level === "Error")).toEqual([]);
    all.push(...objects.map(({ object }) => object));
  }
  return all;
}

/** The examples' own classes are of nobody; here they are ours. */
function ours(object: MeshObject): MeshObject {
  if (object.kind !== "GatewayClass") return object;
  return { ...object, spec: { controllerName: "heddle.dev/gateway-controller" } };
}

/** A proxy for each Gateway, and a client in each namespace that has routes whose parent is a Service. */
function nodesOf(objects: readonly MeshObject[]): readonly XdsNode[] {
  const gateways = objects
    .filter(({ apiVersion, kind }) => kind === "Gateway" && apiVersion.startsWith("gateway."))
    .map(({ metadata: { name, namespace } }) => ({
      id: `router~10.1.0.1~${name}.${namespace}~${namespace}.svc.cluster.local`,
      metadata: { LABELS: { "gateway.networking.k8s.io/gateway-name": name } },
    }));
  const clients = objects.flatMap(({ kind, metadata: { namespace }, spec }) => {
    const { parentRefs = [] } = spec as { parentRefs?: { kind?: string }[] };
    return kind.endsWith("Route") && parentRefs.some((parent) => parent.kind === "Service")
      ? [namespace]
      : [];
  });
  return [
    ...gateways,
    ...[...new Set(clients)].map((namespace) => ({
      id: `sidecar~10.1.0.2~client.${namespace}~${namespace}.svc.cluster.local`,
      metadata: { INTERCEPTION_MODE: "REDIRECT" },
    })),
  ];
}

/** Of every object that has some: what does not hold is written with its message. */
function conditionsOf(objects: readonly MeshObject[]): Record<string, unknown> {
  const index = new MeshIndex();
  for (const object of objects) index.put(object);
  return Object.fromEntries(
    objects.flatMap((object) => {
      const status = gatewayApiStatusOf(index, objectKey(object));
      if (!status) return [];
      // What a class supports is no matter of an example.
      const { supportedFeatures: _, ...conditions } = { supportedFeatures: [], ...status };
      return [[`${object.kind} ${object.metadata.namespace}/${object.metadata.name}`, conditions]];
    }),
  );
}
