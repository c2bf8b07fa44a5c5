/** `heddle ca` as the guide has it: its own commands are run, with OpenSSL as the root that the tenant keeps. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunningPlane, startPlane } from "@heddle/api/node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type CommandResult, heddle as run, ROOT } from "../../../../test/harness/demo-process.ts";

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let plane: RunningPlane;
let env: Record<string, string>;
let heddle: (...args: string[]) => Promise<CommandResult>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-ca-"));
  plane = await startPlane({ port: 0, dataDir: path.join(folder, "plane") });
  const token = (await readFile(plane.adminTokenFile, "utf8")).trim();
  env = {
    ...{ HEDDLE_CONFIG: path.join(folder, "config.json"), HEDDLE_CONTEXT: "" },
    ...{ HEDDLE_URL: plane.url, HEDDLE_TOKEN: token, HEDDLE_MESH: "shop" },
  };
  heddle = (...args) => run(args, env);
  await heddle("mesh", "create", "shop", "--trust-domain", "shop.example");
  const main = path.join(ROOT, "apps/cli/src/main.ts");
  await mkdir(path.join(folder, "bin"));
  const shim = `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`;
  await writeFile(path.join(folder, "bin/heddle"), shim, { mode: 0o755 });
}, 60_000);
afterAll(async () => {
  await plane?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs commands of a shell in the folder; `heddle` is this one. */
async function shell(script: string): Promise<string> {
  const PATH = `${path.join(folder, "bin")}:${process.env["PATH"]}`;
  const options = { cwd: folder, timeout: 90_000, env: { ...process.env, ...env, PATH } };
  // Not waited for in place: the plane that it asks is in this process.
  return (await execute("bash", ["-euo", "pipefail", "-c", script], options)).stdout;
}
const execute = promisify(execFile);

/** The commands of a section of the guide. */
async function guide(section: string): Promise<string> {
  const text = await readFile(path.join(ROOT, "docs/guides/certificates.md"), "utf8");
  const [, after = ""] = text.split(`\n## ${section}\n`);
  return /```sh\n([^]*?)```/.exec(after)?.[1] ?? "";
}

describe("heddle ca", () => {
  it("has no authority to show before the first certificate, and says so", async () => {
    const shown = await heddle("ca", "show");
    expect(shown).toMatchObject({ code: 0, stdout: "trust domain shop.example\n" });
    expect(shown.stderr).toContain("No authority yet");
    const status = await heddle("ca", "rotate", "status");
    expect(status).toMatchObject({ code: 1 });
    expect(status.stderr).toMatch(/HDL1071[^]*heddle ca rotate start/);
    await writeFile(path.join(folder, "none.pem"), "none");
    const early = await heddle("ca", "import", "-f", path.join(folder, "none.pem"));
    expect(early.stderr).toMatch(/HDL1073[^]*heddle ca csr/);
  });

  it("brings a root of one's own by the commands of the guide", async () => {
    const asked = JSON.parse((await heddle("ca", "bundle", "-o", "json")).stdout);
    expect(asked).toMatchObject({ trustDomain: "shop.example" });
    await shell(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout root.key -out root.pem -subj '/O=Acme/CN=Acme root' -days 3650",
    );
    const printed = await shell(await guide("A root of your own"));
    expect(printed).toMatch(/rotation.* completed/);
    expect(printed).not.toContain("PRIVATE KEY");
    const root = await readFile(path.join(folder, "root.pem"), "utf8");
    expect((await heddle("ca", "bundle")).stdout.trim()).toBe(root.trim());
    const shown = await heddle("ca", "show");
    expect(shown.stdout).toMatch(/issuing +yours[^]*retired +the plane/);
  });

  it("refuses what the root has not signed, with the certificate and the remedy, and stays as it is", async () => {
    await shell("heddle ca csr > second.csr; heddle ca csr --renew > third.csr");
    const sign = (request: string, more: string) =>
      shell(
        `openssl x509 -req -in ${request} -CA root.pem -CAkey root.key -CAcreateserial ${more} -out bad.pem`,
      );
    const imported = () =>
      heddle(
        ...["ca", "import", "-f", path.join(folder, "bad.pem")],
        ...["-f", path.join(folder, "root.pem")],
      );
    await sign("second.csr", "-days 90 -copy_extensions copyall");
    expect((await imported()).stderr).toMatch(/HDL7115[^]*certificate 1 of 2[^]*heddle ca csr/);
    await sign("third.csr", "-days 5 -copy_extensions copyall");
    expect((await imported()).stderr).toMatch(/HDL7118[^]*certificate 1 of 2[^]*14 days/);
    await sign("third.csr", "-days 90");
    expect((await imported()).stderr).toMatch(/HDL7116[^]*CA:TRUE/);
    expect((await heddle("ca", "show")).stdout).toMatch(/issuing +yours/);
  });

  it("lists every certificate, and fails a check where an agent is not heard of", async () => {
    const listed = await heddle("ca", "inventory", "--check");
    expect(listed.stdout).toMatch(/ok +root +O=Acme, CN=Acme root/);
    expect(listed.stdout).toMatch(/ok +intermediate +CN=shop.example intermediate/);
    expect(listed.code).toBe(0);
    const bad = JSON.parse(
      (await heddle("ca", "inventory", "--level", "warning", "-o", "json")).stdout,
    );
    expect(bad).toEqual({
      items: [],
      alerts: { warning: 0, critical: 0, expired: 0 },
      unknown: [],
    });
  });

  it("seals keys anew, of one mesh or of all", async () => {
    await heddle("mesh", "create", "other");
    const one = await heddle("ca", "rewrap");
    expect(one.stdout).toMatch(
      /^mesh shop: \d keys sealed anew under the plane's own envelope key\n$/,
    );
    const all = await heddle("ca", "rewrap", "--all-meshes", "-o", "json");
    expect(JSON.parse(all.stdout)).toMatchObject([{ mesh: "other", keys: 0 }, { mesh: "shop" }]);
    expect((await heddle("ca", "show")).stdout).toMatch(/issuing +yours/);
  });

  it("rotates by hand, waits for who is away by name, and turns around", async () => {
    const join = await heddle("mesh", "join-token", "--namespaces", "shop,pay");
    await fetch(`${plane.url}/v1/agents/enroll`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ joinToken: join.stdout.trim(), name: "edge" }),
    });
    const checked = await heddle("ca", "inventory", "--check");
    expect(checked).toMatchObject({ code: 1 });
    expect(checked.stderr).toMatch(/away: edge[^]*HDL9091/);
    const started = await heddle("ca", "rotate", "start", "--manual");
    expect(started.stdout).toMatch(/running, step 1 of 3[^]*edge +the agent is away/);
    const waited = await heddle("ca", "rotate", "status", "--wait", "1s");
    expect(waited).toMatchObject({ code: 1 });
    expect(waited.stderr).toMatch(/HDL9090[^]*agent edge: the agent is away/);
    expect((await heddle("ca", "rotate", "advance")).stderr).toMatch(/HDL1072[^]*edge[^]*--force/);
    const forced = await heddle("ca", "rotate", "advance", "--force");
    expect(forced.stdout).toMatch(/step 2 of 3[^]*not waited for: agent edge/);
    const again = await heddle("ca", "rotate", "start");
    expect(again.stderr).toMatch(/HDL1070[^]*heddle ca rotate abort/);
    const aborted = JSON.parse((await heddle("ca", "rotate", "abort", "-o", "json")).stdout);
    expect(aborted).toMatchObject({ state: "aborting", step: "reissuing" });
    await heddle("ca", "rotate", "advance", "--force");
    const over = await heddle("ca", "rotate", "advance", "--force", "-o", "json");
    expect(JSON.parse(over.stdout)).toMatchObject({ state: "aborted" });
    expect((await heddle("ca", "show")).stdout).toMatch(/issuing +yours/);
  });

  it("revokes an agent and a workload, says when they are refused, and lets the workload in again", async () => {
    expect((await heddle("ca", "revoke", "agent", "nobody")).stderr).toContain("HDL1076");
    const agent = await heddle("ca", "revoke", "agent", "edge", "--reason", "lost");
    expect(agent.stdout).toBe("agent edge revoked\n");
    const workload = await heddle("ca", "revoke", "workload", "shop/web", "-o", "json");
    const { id, subject } = JSON.parse(workload.stdout) as { id: string; subject: string };
    expect(subject).toBe("spiffe://shop.example/ns/shop/sa/web");
    await vi.waitFor(
      async () => {
        const { stdout } = await heddle("ca", "revocations");
        expect(stdout).toMatch(/workload +spiffe:\S+ +refused[^]*agent +edge +refused.* lost/);
      },
      { timeout: 30_000 },
    );
    // Nobody else has to sign for it.
    expect((await heddle("ca", "show")).stdout).toMatch(/issuing +the plane/);
    expect((await heddle("ca", "reinstate", id)).code).toBe(0);
    expect((await heddle("ca", "revocations")).stdout).toMatch(/workload +\S+ +lifted/);
    expect((await heddle("ca", "reinstate", id)).stderr).toContain("HDL1077");
  });

  it("federates with a mesh that says the same, with endpoints and by a file, and says how each stands", async () => {
    const partner = (...args: string[]) => run(args, { ...env, HEDDLE_MESH: "partner" });
    await heddle("mesh", "create", "partner", "--trust-domain", "partner.example");
    const file = path.join(folder, "partner.pem");
    await writeFile(file, (await partner("ca", "bundle")).stdout);
    expect((await heddle("ca", "bundle")).code).toBe(0);
    const list = async (of = heddle) =>
      JSON.parse((await of("ca", "federations", "-o", "json")).stdout) as {
        mesh: string;
        endpoint: string;
        items: { state: string; trustDomain: string }[];
      };
    const [own, other] = [await list(), await list(partner)];
    const first = await heddle("ca", "federate", "partner.example", "--with-mesh", other.mesh);
    expect(first.stdout).toContain("federated with partner.example: waiting");
    const [, again = ""] = /so too: heddle (.*)/.exec(first.stderr) ?? [];
    expect(again).toBe(`ca federate shop.example --with-mesh ${own.mesh}`);
    expect((await partner(...again.split(" "))).stdout).toContain("in force");
    const shown = (await heddle("ca", "federations")).stdout;
    expect(shown).toContain(`bundle endpoint ${plane.url}${own.endpoint}`);
    expect(shown).toMatch(/in force +partner\.example +mesh \S+ +1 /);
    expect((await heddle("ca", "federate", "partner.example", "--bundle", file)).code).toBe(0);
    expect((await list(partner)).items).toMatchObject([{ state: "waiting" }]);
    const endpoint = ["--endpoint", "https://spire.partner.example"];
    const id = ["--endpoint-spiffe-id", "spiffe://partner.example/spire/server"];
    for (const source of [endpoint, [...endpoint, ...id, "--bundle", file]])
      expect((await heddle("ca", "federate", "partner.example", ...source)).stdout).toContain(
        "waiting",
      );
    for (const source of [[], id, [...endpoint, ...id], ["--bundle", "none.pem"]]) {
      const { code, stderr } = await heddle("ca", "federate", "partner.example", ...source);
      expect({ code, named: stderr.includes("HDL9119") }).toEqual({ code: 1, named: true });
    }
    expect((await heddle("ca", "unfederate", "partner.example")).code).toBe(0);
    expect((await heddle("ca", "unfederate", "partner.example")).stderr).toContain("HDL1080");
    expect((await list()).items).toEqual([]);
  });
});
