/** Which installation a Gateway is for, where several controllers are in one cluster. */
import { describe, expect, it } from "vitest";
import type * as GatewayApi from "../kinds/gateway-api/index.ts";
import { type MeshObject, objectKey } from "../object.ts";
import { gatewayState, speaksOfClass } from "./gateway-class.ts";
import { ONLY_REVISION, type Revision } from "./revision.ts";

const BESIDE: Revision = { name: "heddle", isDefault: false };
const ISTIO = "istio.io/gateway-controller";
const OURS = "heddle.dev/gateway-controller";

type Texts = Readonly<Record<string, string>>;

function objectOf<Spec>(
  kind: string,
  name: string,
  spec: Spec,
  { namespace = "", labels = {}, annotations = {} }: Place = {},
): MeshObject<Spec> {
  const apiVersion = kind === "Namespace" ? "v1" : "gateway.networking.k8s.io/v1";
  return { apiVersion, kind, metadata: { name, namespace, labels, annotations }, spec };
}

interface Place {
  readonly namespace?: string;
  readonly labels?: Texts;
  readonly annotations?: Texts;
}

const classes = [
  objectOf<GatewayApi.GatewayClass>("GatewayClass", "theirs", { controllerName: ISTIO }),
  objectOf<GatewayApi.GatewayClass>("GatewayClass", "ours", { controllerName: OURS }),
  objectOf<GatewayApi.GatewayClass>("GatewayClass", "else", { controllerName: "example.com/it" }),
];

function stateFor(
  revision: Revision,
  gatewayClassName: string,
  { own = {}, inherited = {}, annotations = {} }: Readonly<Record<string, Texts>> = {},
) {
  const namespace = objectOf("Namespace", "shop", {}, { labels: inherited });
  const objects = new Map([...classes, namespace].map((each) => [objectKey(each), each]));
  const gateway = objectOf<GatewayApi.Gateway>(
    "Gateway",
    "edge",
    { gatewayClassName, listeners: [] },
    { namespace: "shop", labels: own, annotations },
  );
  const object = <Spec>(key: string) => objects.get(key) as MeshObject<Spec> | undefined;
  return gatewayState({ object, revision }, gateway);
}

describe("a Gateway in a cluster with several controllers", () => {
  it("is the default installation's where it names no revision", () => {
    expect(stateFor(ONLY_REVISION, "theirs")).toBe("ours");
    expect(stateFor(ONLY_REVISION, "istio")).toBe("ours");
    expect(stateFor(BESIDE, "theirs")).toBe("foreign");
    expect(stateFor(BESIDE, "istio")).toBe("foreign");
  });

  it("is ours where its class is ours alone", () => {
    expect(stateFor(BESIDE, "ours")).toBe("ours");
    expect(stateFor(BESIDE, "heddle")).toBe("ours");
    expect(stateFor(BESIDE, "else")).toBe("foreign");
  });

  it("is that of the revision which its label names, whatever its class", () => {
    const named = { own: { "istio.io/rev": "heddle" } };
    expect(stateFor(BESIDE, "istio", named)).toBe("ours");
    expect(stateFor(ONLY_REVISION, "istio", named)).toBe("foreign");
    expect(stateFor(ONLY_REVISION, "ours", named)).toBe("foreign");
  });

  it("is that of its namespace's revision, where it has no label of its own", () => {
    const inherited = { "istio.io/rev": "heddle" };
    expect(stateFor(BESIDE, "istio", { inherited })).toBe("ours");
    const own = { "istio.io/rev": "1-30" };
    expect(stateFor(BESIDE, "istio", { inherited, own })).toBe("foreign");
  });

  it("is ours by our own label beside a label of Istio's", () => {
    const own = { "istio.io/rev": "1-30", "heddle.dev/rev": "heddle" };
    expect(stateFor(BESIDE, "istio", { own })).toBe("ours");
  });

  it("is left alone where Istio has deployed it, until a label names us", () => {
    const annotations = { "gateway.istio.io/controller-version": "5" };
    expect(stateFor(ONLY_REVISION, "istio", { annotations })).toBe("foreign");
    const own = { "istio.io/rev": "default" };
    expect(stateFor(ONLY_REVISION, "istio", { annotations, own })).toBe("ours");
  });
});

describe("a GatewayClass of Istio's controller", () => {
  const classOf = (spec: Partial<GatewayApi.GatewayClass>, labels: Texts = {}) =>
    objectOf<GatewayApi.GatewayClass>(
      "GatewayClass",
      "istio",
      { controllerName: ISTIO, ...spec },
      { labels },
    );

  it("has its status from the default installation", () => {
    expect(speaksOfClass(ONLY_REVISION, classOf({}))).toBe(true);
    expect(speaksOfClass(BESIDE, classOf({}))).toBe(false);
    expect(speaksOfClass(BESIDE, classOf({}, { "istio.io/rev": "heddle" }))).toBe(true);
    expect(speaksOfClass(BESIDE, classOf({ controllerName: OURS }))).toBe(true);
  });

  it("is left alone where Istio has made it", () => {
    const made = classOf({ description: "The default Istio GatewayClass" });
    expect(speaksOfClass(ONLY_REVISION, made)).toBe(false);
  });
});
