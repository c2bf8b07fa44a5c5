import { describe, expect, it } from "vitest";
import { parseObject } from "../parse-object.ts";

/** Codes and places of what is wrong with the providers of a MeshSettings. */
const found = (...extensionProviders: unknown[]) =>
  parseObject({
    apiVersion: "heddle.dev/v1",
    kind: "MeshSettings",
    metadata: { name: "mesh" },
    spec: { extensionProviders },
  }).diagnostics.map(({ code, path }) => `${code} ${path}`);

const SERVER = { service: "auth.security.svc.cluster.local", port: 9000 };
const http = (rest: object) => ({ name: "auth", envoyExtAuthzHttp: { ...SERVER, ...rest } });
const grpc = (rest: object) => ({ name: "auth", envoyExtAuthzGrpc: { ...SERVER, ...rest } });

describe("an extension provider", () => {
  it("is a server with a name, asked by one protocol", () => {
    expect(found(grpc({ service: "security/auth.security.svc.cluster.local" }))).toEqual([]);
    expect(found(http({ timeout: "250ms", statusOnError: "503", pathPrefix: "/check" }))).toEqual(
      [],
    );
    const at = "spec.extensionProviders[0]";
    expect(found({ name: "auth" })).toEqual([`HDL0023 ${at}`]);
    expect(found({ ...http({}), ...grpc({}) })).toEqual([`HDL0022 ${at}`]);
    expect(found({ ...grpc({}), name: "Not A Name" })).toEqual([`HDL0017 ${at}.name`]);
    expect(found({ name: "auth", zipkin: SERVER })).toEqual([
      `HDL0010 ${at}.zipkin`,
      `HDL0023 ${at}`,
    ]);
  });

  it("has a name of its own", () => {
    expect(found(grpc({}), http({}))).toEqual(["HDL0029 spec.extensionProviders[1].name"]);
  });

  it("is told what it is asked, and how, in forms that Envoy has", () => {
    const at = "spec.extensionProviders[0].envoyExtAuthzHttp";
    expect(found(http({ service: "no_host", port: 70_000 }))).toEqual([
      `HDL0040 ${at}.service`,
      `HDL0014 ${at}.port`,
    ]);
    expect(found(http({ statusOnError: "999" }))).toEqual([`HDL0040 ${at}.statusOnError`]);
    expect(found(http({ pathPrefix: "check" }))).toEqual([`HDL0040 ${at}.pathPrefix`]);
    expect(found(http({ timeout: "5" }))).toEqual([`HDL0015 ${at}.timeout`]);
    expect(found(http({ headersToUpstreamOnAllow: ["x-*", "*"] }))).toEqual([
      `HDL0040 ${at}.headersToUpstreamOnAllow[1]`,
    ]);
    expect(found(http({ includeAdditionalHeadersInCheck: { "x y": "a", "x-a": "b" } }))).toEqual([
      `HDL0040 ${at}.includeAdditionalHeadersInCheck["x y"]`,
    ]);
    expect(found(http({ includeRequestBodyInCheck: { packAsBytes: true } }))).toEqual([
      `HDL0040 ${at}.includeRequestBodyInCheck`,
    ]);
  });
});
