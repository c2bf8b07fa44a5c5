/** Definitions as a real API server takes them, and what it then accepts and refuses, against what the model does. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { groupOf, parseObject } from "@heddle/model";
import { parseAllDocuments } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  apiServerBinary,
  type ControlPlane,
  startControlPlane,
} from "../../../agent/src/sources/kubernetes/testing/control-plane.ts";
import { until } from "../../../agent/src/testing/envoy-pod.ts";
import { definedKinds, definitionOf } from "./definitions.ts";

const TESTDATA = path.resolve(import.meta.dirname, "../../model/testdata/validation");
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const LONG = 120_000;

interface Document {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Documents of kinds that have a definition, without what tests say of them. */
async function documentsOf(file: string): Promise<Document[]> {
  const text = await readFile(path.join(TESTDATA, file), "utf8");
  const ours = new Set(definedKinds.map(({ group, kind }) => `${group}/${kind}`));
  return parseAllDocuments(text)
    .map((document) => document.toJS() as (Document & Record<string, unknown>) | null)
    .filter((value) => value !== null)
    .filter(({ apiVersion, kind }) => ours.has(`${groupOf(apiVersion)}/${kind}`))
    .map(({ _err, _path, _says, ...document }) => document);
}

let plane: ControlPlane;
/** What the API server would say, asked not to overlook unknown fields, as kubectl asks it. */
const dryRun = async (document: Document) => {
  const { apiVersion, kind, metadata } = document;
  const known = definedKinds.find(
    (each) => each.kind === kind && each.group === groupOf(apiVersion),
  );
  const place = known?.namespaced ? `namespaces/${metadata.namespace ?? "default"}/` : "";
  const { status, body } = await plane.ask(
    "POST",
    `/apis/${apiVersion}/${place}${known?.plural}?dryRun=All&fieldValidation=Strict`,
    document,
  );
  return { status, message: String(body["message"] ?? "") };
};

describe.skipIf(!apiServerBinary)("custom resource definitions", () => {
  beforeAll(async () => {
    plane = await startControlPlane();
    for (const kind of definedKinds) {
      const { status, body } = await plane.ask("POST", DEFINITIONS, definitionOf(kind));
      expect([status, body["message"]]).toEqual([201, undefined]);
    }
  }, 240_000);
  afterAll(() => plane?.close());

  it("are structural, and in force", async () => {
    for (const { plural, group } of definedKinds) {
      const conditions = async () => {
        const { body } = await plane.ask("GET", `${DEFINITIONS}/${plural}.${group}`);
        const { conditions: all = [] } = body["status"] as {
          conditions?: { type: string; status: string }[];
        };
        return all.filter(({ status }) => status === "True").map(({ type }) => type);
      };
      await until(async () => (await conditions()).includes("Established"), LONG);
      expect((await conditions()).toSorted()).toEqual(["Established", "NamesAccepted"]);
    }
  }, 240_000);

  it("accept every document that the model accepts", async () => {
    const refused: string[] = [];
    let count = 0;
    for (const file of ["virtualservice-valid.yaml", "gateway-valid.yaml", "sidecar-valid.yaml"])
      for (const document of await documentsOf(file)) {
        count++;
        const { status, message } = await dryRun(document);
        if (status !== 201) refused.push(`${document.metadata.name}: ${message}`);
      }
    expect(count).toBeGreaterThan(100);
    expect(refused).toEqual([]);
  }, 240_000);

  it("refuse nothing that the model takes, of documents that are wrong in some way, and of these what has a wrong shape", async () => {
    const strict: string[] = [];
    let both = 0;
    for (const file of [
      "virtualservice-invalid.yaml",
      "gateway-invalid.yaml",
      "sidecar-invalid.yaml",
      "other-kinds-invalid.yaml",
    ])
      for (const document of await documentsOf(file)) {
        const isFine = !parseObject(document).diagnostics.some(({ level }) => level === "Error");
        const { status, message } = await dryRun(document);
        if (isFine && status !== 201) strict.push(`${document.metadata.name}: ${message}`);
        if (!isFine && status !== 201) both++;
      }
    expect(strict).toEqual([]);
    // Most are wrong in what stands between fields, which is for the webhook and the agent.
    expect(both).toBeGreaterThan(50);
  }, 240_000);

  it("refuse unknown fields, wrong types, unknown words and a spec that is missing, and know older names", async () => {
    const rule = (spec: object) => ({
      ...{ apiVersion: "networking.istio.io/v1", kind: "VirtualService" },
      ...{ metadata: { name: "x" }, spec },
    });
    const route = [{ destination: { host: "a" } }];
    const says = async (document: Document) => (await dryRun(document)).message;
    expect(await says(rule({ hosts: ["a"], htp: [] }))).toContain('unknown field "spec.htp"');
    expect(await says(rule({ hosts: "a" }))).toContain("spec.hosts");
    expect(
      await says({
        ...{ apiVersion: "security.istio.io/v1", kind: "PeerAuthentication" },
        ...{ metadata: { name: "x" }, spec: { mtls: { mode: "STRIKT" } } },
      } as Document),
    ).toContain('Unsupported value: "STRIKT"');
    expect(
      await says({
        ...{ apiVersion: "networking.istio.io/v1", kind: "ServiceEntry", metadata: { name: "x" } },
      }),
    ).toContain("spec: Required value");
    const older = rule({ hosts: ["a"], http: [{ route, mirror_percent: 5 }] });
    expect(await dryRun(older)).toMatchObject({ status: 201 });
  }, 120_000);
});
