/** The commands as a user runs them, against a plane that has just been started and holds nothing. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { execFileSync, spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunningPlane, startPlane } from "@heddle/api/node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type CommandResult, heddle as run } from "../../../../test/harness/demo-process.ts";

// Each command is a process of its own, which takes its time on a machine with other work.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let plane: RunningPlane;
let heddle: (...args: string[]) => Promise<CommandResult>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-cli-"));
  plane = await startPlane({ port: 0, dataDir: path.join(folder, "plane") });
  const env = {
    HEDDLE_CONFIG: path.join(folder, "config.json"),
    ...{ HEDDLE_CONTEXT: "", HEDDLE_URL: "", HEDDLE_TOKEN: "", HEDDLE_MESH: "" },
  };
  heddle = (...args) => run(args, env);
});

afterAll(async () => {
  await plane?.close();
  await rm(folder, { recursive: true, force: true });
});

const rule = (name: string, extra = "") => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name}, namespace: default }
spec:
  hosts: [${name}.default.svc.cluster.local]
  http: [{ route: [{ destination: { host: ${name} } }] ${extra} }]
`;

async function file(name: string, content: string): Promise<string> {
  const place = path.join(folder, name);
  await writeFile(place, content);
  return place;
}

const names = async () => {
  const { stdout } = await heddle("get", "vs", "-o", "json");
  return [JSON.parse(stdout) as object | object[]]
    .flat()
    .map((object) => (object as { metadata: { name: string } }).metadata.name)
    .toSorted();
};

describe("a plane without a mesh", () => {
  it("leads from nothing to a mesh and a token that an agent joins with, by what the commands themselves say", async () => {
    const lost = await heddle("get");
    expect(lost).toMatchObject({ code: 2, stdout: "" });
    expect(lost.stderr).toMatch(/HDL9022[^]*heddle context save NAME --url URL --token-file FILE/);

    const saved = await heddle(
      ...["context", "save", "here", "--url", plane.url],
      ...["--token-file", plane.adminTokenFile],
    );
    expect(saved).toMatchObject({ code: 0, stdout: `context here: ${plane.url}, mesh none yet\n` });
    expect((await stat(path.join(folder, "config.json"))).mode & 0o777).toBe(0o600);

    const unchosen = await heddle("get");
    expect(unchosen.code).toBe(2);
    expect(unchosen.stderr).toMatch(/HDL9025[^]*heddle mesh create NAME/);
    expect((await heddle("mesh", "list")).stderr).toContain("heddle mesh create NAME");

    const made = await heddle("mesh", "create", "shop", "--trust-domain", "shop.example");
    expect(made.stdout).toBe("mesh shop created, trust domain shop.example\n");
    expect(made.stderr).toContain("context here works in it");
    const other = await heddle("mesh", "create", "other", "-o", "json");
    expect(JSON.parse(other.stdout)).toMatchObject({ trustDomain: "other.mesh.internal" });
    expect(JSON.parse((await heddle("context", "-o", "json")).stdout)).toMatchObject({
      name: "here",
      mesh: "shop",
    });
    const list = await heddle("mesh", "list");
    expect(list.stdout).toMatch(/^\* +shop +shop\.example +0 +no-agents/m);
    expect(list.stdout).toMatch(/^ +other +other\.mesh\.internal/m);

    const join = await heddle("mesh", "join-token", "--name", "edge", "--expires", "30m");
    expect(join.stdout).toMatch(/^hdlj_\S+\n$/);
    const answer = await fetch(`${plane.url}/v1/agents/enroll`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ joinToken: join.stdout.trim(), name: "edge" }),
    });
    expect(await answer.json()).toMatchObject({ trustDomain: "shop.example" });
    expect((await heddle("get")).code).toBe(0);
  });

  it("keeps contexts apart, and forgets one with its token", async () => {
    await heddle(
      ...["context", "save", "second", "--url", plane.url, "--token", "hdl_secret"],
      ...["--mesh", "other", "--namespace", "stage"],
    );
    const shown = await heddle("context", "show");
    expect(shown.stdout).toMatch(/Context: +second[^]*Mesh: +other[^]*Namespace: +stage/);
    expect(shown.stdout).not.toContain("hdl_secret");
    const list = JSON.parse((await heddle("context", "list", "-o", "json")).stdout);
    expect(list).toMatchObject([
      { name: "here", current: false, mesh: "shop" },
      { name: "second", current: true, mesh: "other", namespace: "stage" },
    ]);
    expect((await heddle("get")).stderr).toContain("HDL1011");
    expect((await heddle("context", "use", "here")).code).toBe(0);
    expect((await heddle("get")).code).toBe(0);
    expect((await heddle("context", "remove", "second")).code).toBe(0);
    expect(await readFile(path.join(folder, "config.json"), "utf8")).not.toContain("hdl_secret");
    const gone = await heddle("context", "use", "second");
    expect(gone).toMatchObject({ code: 2 });
    expect(gone.stderr).toMatch(/HDL9021[^]*Known: here/);
  });

  it("makes, lists and revokes tokens; a revoked one opens nothing", async () => {
    const made = await heddle("token", "create", "ci", "--scope", "read,write", "--mesh", "shop");
    const secret = made.stdout.trim();
    expect(secret).toMatch(/^hdl_/);
    const use = () => heddle("mesh", "get", "--token", secret);
    expect((await use()).code).toBe(0);
    const tokens = JSON.parse((await heddle("token", "list", "-o", "json")).stdout) as {
      id: string;
      name: string;
    }[];
    const id = tokens.find(({ name }) => name === "ci")?.id ?? "";
    expect((await heddle("token", "revoke", id)).stdout).toBe(`token ${id} revoked\n`);
    const refused = await use();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/HDL1013[^]*heddle token create NAME/);
    expect((await heddle("token", "list")).stdout).toMatch(/ ci +read,write .* revoked$/m);
    expect((await heddle("token", "create", "x", "--scope", "root")).code).toBe(2);
  });
});

describe("heddle delete", () => {
  it("deletes all that files name or nothing: one bad document keeps every object", async () => {
    const good = await file("good.yaml", [rule("one"), rule("two"), rule("three")].join("---\n"));
    expect((await heddle("apply", "-f", good)).code).toBe(0);
    for (const bad of ["kind: [", "kind: VirtualService\n", rule("three", ", nonsense: 1")]) {
      const half = await file("half.yaml", [rule("one"), rule("two"), bad].join("---\n"));
      const refused = await heddle("delete", "-f", half);
      expect(refused).toMatchObject({ code: 1, stdout: "" });
      expect(refused.stderr).toMatch(/HDL9036 Nothing is deleted[^]*half\.yaml:/);
      expect(await names()).toEqual(["one", "three", "two"]);
    }
    const both = await heddle("delete", "vs", "one", "-f", good);
    expect(both.code).toBe(2);
    expect(both.stderr).toContain("HDL9038 Both vs one and -f");
    expect(await names()).toEqual(["one", "three", "two"]);

    const two = await file("two.yaml", [rule("one"), rule("two")].join("---\n"));
    expect((await heddle("delete", "-f", two, "--message", "spring cleaning")).code).toBe(0);
    expect(await names()).toEqual(["three"]);
    expect((await heddle("history")).stdout).toContain("spring cleaning");
  });

  it("rolls it back when told, and only says how when asked for a dry run", async () => {
    const dry = await heddle("rollback", "--dry-run");
    expect(dry.stdout).toMatch(/virtualservice\S* default\/one created \(dry run\)/);
    expect(await names()).toEqual(["three"]);
    expect((await heddle("rollback", "--message", "they were needed")).code).toBe(0);
    expect(await names()).toEqual(["one", "three", "two"]);
    expect((await heddle("history")).stdout).toContain("they were needed");
  });
});

describe("heddle proxy-config", () => {
  it("needs no plane, and says that it is the agent that cannot be reached", async () => {
    const config = path.join(folder, "none.json");
    const lost = await run(["pc", "cluster", "a.b", "--agent", "http://127.0.0.1:9"], {
      HEDDLE_CONFIG: config,
    });
    expect(lost.code).toBe(1);
    expect(lost.stderr).toMatch(/HDL9026 The agent at http:\/\/127\.0\.0\.1:9 cannot be reached/);
    const plane = await run(["get", "--url", "http://127.0.0.1:10", "--token", "x", "-m", "m"]);
    expect(plane.stderr).toContain("HDL9023 The plane cannot be reached");
  });
});

describe("wrong usage", () => {
  it.each([
    [["mesh", "set"], /missing required argument/],
    [["context", "use"], /missing required argument/],
    [["mesh", "join-token", "--expires", "soon"], /such as 30m, 24h or 90d/],
    [["get", "--no-such-flag"], /unknown option[^]*--help/],
  ])("%s exits with 2, and says why on standard error", async (args, says) => {
    const wrong = await heddle(...args);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toMatch(says);
  });

  it("says its version by command and by flag", async () => {
    const [flag, command] = await Promise.all([heddle("--version"), heddle("version")]);
    expect(flag).toMatchObject({ code: 0, stdout: command.stdout });
    expect(flag.stdout).toMatch(/^heddle \d+\.\d+\.\d+\n$/);
  });
});

it("ends quietly where the reader of its output has gone", () => {
  const main = path.join(import.meta.dirname, "../main.ts");
  const piped = spawnSync(
    "bash",
    ["-c", 'set -o pipefail; "$0" "$1" completion bash | true', process.execPath, main],
    { encoding: "utf8" },
  );
  expect(piped).toMatchObject({ status: 0, stderr: "" });
});

describe("heddle completion", () => {
  it("knows the words of commands, of their own commands, of kinds and of settings", async () => {
    const script = await file("completion.bash", (await heddle("completion", "bash")).stdout);
    const complete = (...words: string[]) =>
      execFileSync(
        "bash",
        [
          ...[
            "-c",
            'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _heddle; echo "${COMPREPLY[*]}"',
          ],
          ...[script, "heddle", ...words],
        ],
        { encoding: "utf8" },
      ).trim();
    expect(complete("cont")).toBe("context");
    expect(complete("mesh", "s")).toBe("set");
    expect(complete("mesh", "set", "trace")).toBe("traceSampling=");
    expect(complete("mesh", "get", "--out")).toBe("--output");
    expect(complete("get", "virt")).toBe("virtualservice");
    expect(complete("proxy-config", "li")).toBe("listener");
    expect(complete("agent", "de")).toBe("debug");
    expect(complete("agent", "debug", "g")).toBe("graph");
    expect(complete("agent", "debug", "graph", "--li")).toBe("--list");
  });
});
