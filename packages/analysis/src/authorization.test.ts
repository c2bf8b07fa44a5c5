import type { ExtensionProvider, MeshObject } from "@heddle/model";
import { describe, expect, it } from "vitest";
import {
  authorizationPolicy,
  meshSettings,
  object,
  pod,
  service,
} from "../../../test/harness/objects.ts";
import { analyze, type AnalysisOptions } from "./analyze.ts";

const AUTH: ExtensionProvider = {
  name: "auth",
  envoyExtAuthzGrpc: { service: "auth.default.svc.cluster.local", port: 9000 },
};
const SERVICES = service("auth", [{ name: "grpc", port: 9000 }], []);

const custom = (name: string, provider: string, app?: string, namespace = "default") =>
  authorizationPolicy(
    name,
    {
      ...(app ? { selector: { matchLabels: { app } } } : {}),
      action: "CUSTOM",
      provider: { name: provider },
      rules: [{}],
    },
    namespace,
  );

const found = (objects: readonly MeshObject[], options: AnalysisOptions = {}) =>
  analyze(objects, options).map(({ code, level, origin, message }) => ({
    code,
    level,
    origin,
    message,
  }));

describe("a policy of action CUSTOM", () => {
  const policy = custom("ask", "auth");
  const origin = "AuthorizationPolicy default/ask";

  it("is well where its provider and the service of that are there", () => {
    expect(found([policy, ...SERVICES], { extensionProviders: [AUTH] })).toEqual([]);
    expect(found([policy, ...SERVICES, meshSettings({ extensionProviders: [AUTH] })])).toEqual([]);
  });

  it("is told of a provider that the mesh does not have, where anybody knows which it has", () => {
    expect(found([policy])).toEqual([]);
    const missing = { code: "HDL0156", level: "Warning", origin };
    for (const all of [
      found([policy], { extensionProviders: [] }),
      found([policy, meshSettings({})]),
    ])
      expect(all).toMatchObject([
        {
          ...missing,
          message: 'The mesh has no extension provider "auth": what the policy is for is refused.',
        },
      ]);
    expect(found([policy], { extensionProviders: [], strict: true })[0]?.level).toBe("Error");
  });

  it("is told of a service that is not there, of a port that it has not, and of several of its name", () => {
    const of = (over: string, port = 9000): AnalysisOptions => ({
      extensionProviders: [{ name: "auth", envoyExtAuthzGrpc: { service: over, port } }],
    });
    const message = (options: AnalysisOptions) => found([policy, ...SERVICES], options)[0]?.message;
    expect(message(of("auth.far.svc.cluster.local"))).toMatch(/is not there/);
    expect(message(of("far/auth.default.svc.cluster.local"))).toMatch(/is not there/);
    expect(message(of("auth.default.svc.cluster.local", 80))).toMatch(/has no port 80/);
    expect(message(of("default/auth.default.svc.cluster.local"))).toBeUndefined();
  });

  it("is told of others that want another server asked of the same workload", () => {
    const both = { extensionProviders: [AUTH, { ...AUTH, name: "other" }] };
    const pods = [pod({ name: "web", address: "10.0.0.1", labels: { app: "web", tier: "gold" } })];
    const codes = (...objects: MeshObject[]) =>
      found([...objects, ...pods, ...SERVICES], both).map(({ code }) => code);
    expect(codes(custom("a", "auth"), custom("b", "other", "web"))).toEqual(["HDL0157", "HDL0157"]);
    expect(codes(custom("a", "auth", "web"), custom("b", "auth", "web"))).toEqual([]);
    const root = custom("b", "other", undefined, "istio-system");
    expect(codes(custom("a", "auth", "web"), root)).toEqual(["HDL0157"]);
    const elsewhere = custom("b", "other", undefined, "far");
    // It is for nobody there.
    expect(codes(custom("a", "auth", "web"), elsewhere)).toEqual(["IST0127"]);
  });

  it("is told of a selector that picks no pod", () => {
    const pods = [pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } })];
    expect(found([custom("a", "auth", "web"), custom("b", "auth", "wbe"), ...pods])).toMatchObject([
      { code: "IST0127", origin: "AuthorizationPolicy default/b" },
    ]);
  });
});

describe("a policy of any action", () => {
  it("is told of a namespace without pods, but for the root namespace's, and for Gateways by name", () => {
    const pods = [pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } })];
    const policies = ["default", "empty", "istio-system"].map((namespace) =>
      authorizationPolicy("p", { rules: [{}] }, namespace),
    );
    const targetRefs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }];
    const named = authorizationPolicy("named", { targetRefs, rules: [{}] }, "empty");
    expect(found([...policies, named, ...pods])).toMatchObject([
      { code: "IST0127", origin: "AuthorizationPolicy empty/p" },
    ]);
    expect(found(policies)).toEqual([]);
  });

  it("is told of namespaces of its sources that are not there", () => {
    const namespaces = ["shop", "bank-test"].map((name) => object("v1", "Namespace", name, {}, ""));
    const source = {
      namespaces: ["shop", "bank-*", "*-test", "*", "far"],
      notNamespaces: ["sho", "*-live", "live-*"],
    };
    const policy = authorizationPolicy("p", { rules: [{ from: [{ source }] }] });
    const absent = ["*-live", "far", "live-*", "sho"].map((name) => ({
      code: "IST0101",
      level: "Warning",
      message: `Referenced namespace not found: "${name}"`,
    }));
    const told = found([policy, ...namespaces]).toSorted((a, b) =>
      a.message < b.message ? -1 : 1,
    );
    expect(told).toMatchObject(absent);
    expect(found([policy])).toEqual([]);
  });
});
