/** Istio's own cases: files, and the messages that one of its analyzers must give for them. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { groupOf, kindOf, readValues } from "@heddle/model";
import type { MeshObject, VirtualService } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { analyze } from "./analyze.ts";

const folder = join(
  process.env["HEDDLE_CONFORMANCE"] ?? join(import.meta.dirname, "../../../../shared/conformance"),
  "istio-analysis",
);
const there = existsSync(folder);
if (!there) console.warn(`skipped: Istio's conformance data is not at ${folder}`);

interface Case {
  readonly name: string;
  readonly files: readonly string[];
  readonly analyzer: string;
  readonly expect: readonly (readonly [string, string])[];
}

/** Codes that each of Istio's analyzers may give, of those that are ours to give by now. */
const ANALYZERS: Readonly<Record<string, readonly string[]>> = {
  "virtualservice.DestinationHostAnalyzer": ["IST0101", "IST0112"],
  "virtualservice.GatewayAnalyzer": ["IST0101", "IST0132"],
  "virtualservice.ConflictingMeshGatewayHostsAnalyzer": ["IST0109"],
  "gateway.SecretAnalyzer": ["IST0101"],
  "gateway.ConflictingGatewayAnalyzer": ["IST0145"],
  "sidecar.SelectorAnalyzer": ["IST0101", "IST0110"],
  "serviceentry.ConflictingServiceEntryProtocolAnalyzer": ["HDL0105"],
};
/** These give codes that come with a later issue: IST0161, IST0165, IST0140. */
const LATER = ["IST0161", "IST0165", "IST0140"];

/** Stands for the namespace of objects that name none, which Istio leaves empty. */
const NO_NAMESPACE = "no-namespace";

/** Istio's analysis takes its default ingress gateway to be there. */
const INGRESS_GATEWAY: MeshObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "istio-ingressgateway",
    namespace: "istio-system",
    labels: { istio: "ingressgateway" },
    annotations: {},
  },
  spec: {},
};

const cases = there
  ? (JSON.parse(readFileSync(join(folder, "cases.json"), "utf8")) as Case[]).filter(
      ({ analyzer, expect: expected }) =>
        ANALYZERS[analyzer] && !expected.some(([code]) => LATER.includes(code)),
    )
  : [];

describe.skipIf(!there)("Istio's analyzers", () => {
  test("has cases to run", () => expect(cases.length).toBeGreaterThanOrEqual(6));

  test.each(cases)("$analyzer: $name", ({ files, analyzer, expect: expected }) => {
    const objects = files.flatMap((file) =>
      rawObjects(readFileSync(join(folder, "files", file), "utf8")),
    );
    const codes = ANALYZERS[analyzer]!;
    const found = analyze([...objects, INGRESS_GATEWAY])
      .filter(({ code, message }) => codes.includes(code) && ofAnalyzer(analyzer, message))
      // Istio names a conflicting rule once, however many of its hosts conflict.
      .map(({ code, origin }) => `${code} ${origin.replace(`${NO_NAMESPACE}/`, "")}`);
    const wanted = expected.map(([code, origin]) => `${code} ${origin}`);
    const once = analyzer.includes("Conflicting") ? [...new Set(found)] : found;
    expect(once.toSorted()).toEqual(wanted.toSorted());
  });
});

/** Istio's analyzers split what is one code, so a case expects only a part of it. */
function ofAnalyzer(analyzer: string, message: string): boolean {
  if (!message.startsWith("Referenced ")) return true;
  const what = /^Referenced (.+) not found/.exec(message)![1]!;
  if (analyzer === "virtualservice.GatewayAnalyzer") return what === "gateway";
  if (analyzer === "sidecar.SelectorAnalyzer") return what === "selector";
  if (analyzer === "gateway.SecretAnalyzer") return ["selector", "credentialName"].includes(what);
  return ["host", "mirror host", "host:port"].includes(what);
}

/** Objects as Istio's test harness reads them: not validated, and without a default namespace. */
function rawObjects(text: string): MeshObject[] {
  return readValues(text).map((value) => {
    const { apiVersion, kind, metadata, spec = {}, ...rest } = value as Raw;
    const known = kindOf(apiVersion, kind);
    if (!known) throw new Error(`${groupOf(apiVersion)}/${kind} is not known`);
    return {
      apiVersion,
      kind,
      metadata: { name: "", namespace: NO_NAMESPACE, labels: {}, annotations: {}, ...metadata },
      spec: known.hasSpec ? withoutEmptyRoutes(spec) : rest,
    };
  });
}

interface Raw {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata?: Partial<MeshObject["metadata"]>;
  readonly spec?: VirtualService;
}

/** One case has a route without a destination, which no parser lets through; Istio takes its host for empty. */
function withoutEmptyRoutes(spec: VirtualService): VirtualService {
  if (!spec.http) return spec;
  const http = spec.http.map((route) => ({
    ...route,
    ...(route.route
      ? { route: route.route.map((to) => ({ ...to, destination: to.destination ?? { host: "" } })) }
      : {}),
  }));
  return { ...spec, http };
}
