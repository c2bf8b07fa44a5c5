import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseAddress, parseAgentOptions } from "./options.ts";

describe("agent options", () => {
  it("take the plane from flags before the environment", () => {
    const env = {
      HEDDLE_URL: "http://env:1/",
      HEDDLE_TOKEN: "t",
      HEDDLE_CERTIFICATE_LIFETIME: "30s",
    };
    expect(parseAgentOptions({}, env).plane).toEqual({
      url: "http://env:1",
      token: "t",
      mesh: undefined,
    });
    expect(parseAgentOptions({ plane: "http://flag:2" }, env).plane?.url).toBe("http://flag:2");
    expect(parseAgentOptions({}, env).certificates).toEqual({ issuer: "agent", lifetime: 30_000 });
  });
  it("have certificates that somebody signs, for as long as he may", () => {
    const hosted = { plane: "http://p", token: "t", certificateIssuer: "plane" };
    const direct = parseAgentOptions({ ...hosted, certificateLifetime: "720h" });
    expect(direct.certificates).toEqual({ issuer: "plane", lifetime: 720 * 3_600_000 });
    for (const certificateLifetime of ["1s", "721h", "-1h"])
      expect(() => parseAgentOptions({ ...hosted, certificateLifetime })).toThrow(
        expect.objectContaining({ code: "HDL7202" }),
      );
    expect(() =>
      parseAgentOptions({ standalone: true, config: "x", certificateIssuer: "plane" }),
    ).toThrow(expect.objectContaining({ code: "HDL9113" }));
  });
  it("need a plane with a token, or --standalone", () => {
    expect(() => parseAgentOptions({ plane: "http://p" })).toThrow(
      expect.objectContaining({ code: "HDL7201" }),
    );
    expect(
      parseAgentOptions({ standalone: true, config: "x" }, { HEDDLE_URL: "http://p" }).plane,
    ).toBeUndefined();
  });
  it("read the token from a file", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "heddle-token-"));
    const tokenFile = path.join(folder, "token");
    const parsed = () =>
      parseAgentOptions({ plane: "http://p", tokenFile }, { HEDDLE_TOKEN: "no" });
    try {
      expect(parsed).toThrow("cannot be read: ENOENT");
      await writeFile(tokenFile, "\n");
      expect(parsed).toThrow("There is no token in");
      await writeFile(tokenFile, "t\n");
      expect(parsed().plane?.token).toBe("t");
    } finally {
      await rm(folder, { recursive: true });
    }
  });
  it("refuse what is no address or lifetime", () => {
    const hosted = { plane: "http://p", token: "t" };
    expect(() => parseAgentOptions({ ...hosted, xds: "15010" })).toThrow(
      expect.objectContaining({ code: "HDL7203" }),
    );
    expect(() => parseAgentOptions({ ...hosted, certificateLifetime: "soon" })).toThrow(
      expect.objectContaining({ code: "HDL7202" }),
    );
    for (const wrong of [{ roles: "control,bogus" }, { scrapeInterval: Number.NaN }])
      expect(() => parseAgentOptions({ ...hosted, ...wrong })).toThrow(
        expect.objectContaining({ code: "HDL7215", exitCode: 2 }),
      );
    expect(parseAgentOptions({ ...hosted, roles: "telemetry" }).roles).toEqual(["telemetry"]);
    expect(parseAgentOptions({ ...hosted, metrics: "off" }).metricsAddress).toBeUndefined();
    expect(parseAddress("[::1]:15010")).toEqual({ host: "::1", port: 15010 });
  });
});
