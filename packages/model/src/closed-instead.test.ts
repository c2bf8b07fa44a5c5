import { describe, expect, it } from "vitest";
import { closedInstead } from "./closed-instead.ts";
import { parseObject } from "./parse-object.ts";

const unreadable = (kind: string, spec: object, metadata: object = {}) => {
  const document = {
    apiVersion: "security.istio.io/v1",
    kind,
    metadata: { name: "guard", namespace: "shop", ...metadata },
    spec,
  };
  expect(parseObject(document).object).toBeUndefined();
  return closedInstead(document);
};
const web = { selector: { matchLabels: { app: "web" } } };
const wrong = { from: [{ source: { ipBlocks: ["10.0.0.0/33"] } }] };

describe("a policy that cannot be read", () => {
  it("refuses what it is for, whatever it would have done", () => {
    for (const action of ["ALLOW", "DENY", "CUSTOM"]) {
      const labels = { "istio.io/rev": "next" };
      const spec = { ...web, action, rules: [wrong] };
      const instead = unreadable("AuthorizationPolicy", spec, { labels });
      expect(instead?.metadata).toMatchObject({ name: "guard", namespace: "shop", labels });
      expect(instead?.spec).toEqual({ ...web, action: "DENY", rules: [{}] });
    }
    expect(
      unreadable("PeerAuthentication", { ...web, portLevelMtls: { 0: { mode: "DISABLE" } } })?.spec,
    ).toEqual({ ...web, mtls: { mode: "STRICT" } });
    expect(
      unreadable("RequestAuthentication", { ...web, jwtRules: [{ issuer: "a", jwks: "{" }] })?.spec,
    ).toEqual({ ...web, jwtRules: [{ issuer: "unreadable", presence: "REQUIRED" }] });
  });

  it("is for the Gateway that it names, and for its whole namespace where nobody can read for whom it is", () => {
    const targetRefs = [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }];
    const named = unreadable("AuthorizationPolicy", { targetRefs, rules: [wrong] });
    expect(named?.spec).toMatchObject({ targetRefs });
    const nobody = { selector: { matchLabels: ["web"] }, rules: [{}] };
    expect(unreadable("AuthorizationPolicy", nobody)?.spec).toEqual({
      action: "DENY",
      rules: [{}],
    });
  });

  it("refuses nothing where it would have guarded nothing", () => {
    const audit = { action: "AUDIT", rules: [wrong] };
    expect(unreadable("AuthorizationPolicy", audit)).toBeUndefined();
    const annotations = { "istio.io/dry-run": "true" };
    expect(unreadable("AuthorizationPolicy", { rules: [wrong] }, { annotations })).toBeUndefined();
    expect(closedInstead({ apiVersion: "v1", kind: "Service", metadata: {} })).toBeUndefined();
    expect(closedInstead("guard")).toBeUndefined();
  });
});
