/** Whatever a user sends: what is wrong with it is said with a code, a place and a remedy, and nothing of it is applied. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { HeddleApiError } from "@heddle/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PlaneProcess, startPlaneProcess } from "../harness/plane-process.ts";

let plane: PlaneProcess;
let work: string;

beforeAll(async () => {
  work = await mkdtemp(path.join(tmpdir(), "heddle-bad-input-"));
  plane = await startPlaneProcess(8770, path.join(work, "data"));
  await plane.client.createMesh({ name: "demo", trustDomain: "cluster.local" });
});
afterAll(async () => {
  await plane?.stop();
  await rm(work, { recursive: true, force: true });
});

const rule = (name: string, host: string, route: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}}
spec:
  hosts: [${host}]
  http:
${route}`;
const plain = "  - route:\n    - destination: {host: b.example.com}\n";
const shares = (...weights: number[]) =>
  `  - route:\n${weights.map((weight, i) => `    - destination: {host: b${i}.example.com}\n      weight: ${weight}\n`).join("")}`;

async function file(name: string, content: string): Promise<string> {
  const full = path.join(work, name);
  await writeFile(full, content);
  return full;
}

async function revision(): Promise<number> {
  return (await plane.client.getMesh("demo")).revision;
}

const REFUSED: [what: string, file: string, content: string, says: RegExp[]][] = [
  [
    "malformed YAML",
    "malformed.yaml",
    rule("a", "a", plain).replace("spec:", " spec: ["),
    [/HDL0002/, /malformed\.yaml:\d+/],
  ],
  [
    "malformed JSON",
    "malformed.json",
    '{"apiVersion": "v1",,}',
    [/HDL0002/, /malformed\.json:1/, /column 21/],
  ],
  ["binary content", "binary.yaml", "\u0000\u0001\ufffd", [/binary\.yaml:1/]],
  ["a file without an object", "empty.yaml", "# nothing\n", [/HDL1042/]],
  [
    "an unknown kind",
    "kind.yaml",
    rule("a", "a", plain).replace("VirtualService", "VirtualServise"),
    [/HDL0007/, /kind\.yaml:2/, /Did you mean VirtualService/],
  ],
  [
    "an unknown field",
    "field.yaml",
    rule("a", "a", `${plain}    timout: 3s\n`),
    [/HDL0010/, /field\.yaml:9/, /spec\.http\[0\]\.timout/, /Did you mean timeout/],
  ],
  [
    "a key that stands twice",
    "twice.yaml",
    rule("a", "a", plain).replace("  http:", "  hosts: [b]\n  http:"),
    [/HDL0003/, /twice\.yaml:6/],
  ],
  [
    "a negative weight",
    "negative.yaml",
    rule("a", "a", shares(-10, 110)),
    [/HDL0014/, /weight -10 is negative/, /negative\.yaml:9/],
  ],
  ["weights that sum to 0", "zero.yaml", rule("a", "a", shares(0, 0)), [/HDL0024/, /zero\.yaml:7/]],
  [
    "aliases that expand without end",
    "aliases.yaml",
    `a: &a [x,x,x,x,x,x,x,x]\n${[..."bcdefgh"].map((c, i) => `${c}: &${c} [${`*${"abcdefg"[i]},`.repeat(8)}]`).join("\n")}\n`,
    [/HDL0004/],
  ],
  [
    "nesting without end",
    "deep.yaml",
    `a: ${"[".repeat(20_000)}${"]".repeat(20_000)}`,
    [/HDL0004/],
  ],
];

describe("refused, with a code, a place and a remedy", () => {
  test.each(REFUSED)("%s", async (_, name, content, says) => {
    const before = await revision();
    const good = rule(`good-${name.split(".")[0]}`, `${name}.example.com`, plain);
    // A good object in the same apply must not get through.
    const files =
      name === "empty.yaml" ? [] : ["-f", await file(`good-${name.replace("json", "yaml")}`, good)];
    const result = await plane.heddle(["apply", ...files, "-f", await file(name, content)]);
    expect(result.code, result.stderr).toBe(1);
    for (const part of [...says, /→/]) expect(result.stderr).toMatch(part);
    expect(await revision()).toBe(before);
    const sent = plane.client.apply("demo", { files: [{ name, content }] });
    const error = await sent.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(HeddleApiError);
    expect((error as HeddleApiError).problem).toMatchObject({ remedy: expect.any(String) });
    expect((error as HeddleApiError).status).toBeLessThan(500);
  });
});

test.each([
  ["apply", '{"files": [', 400, "HDL1003"],
  ["apply", "[]", 400, "HDL1004"],
  ["apply", '{"bogus": 1}', 400, "HDL1004"],
  ["apply", '{"objects": [{"kind": 1}]}', 422, "HDL1040"],
  ["analyze", "nonsense", 400, "HDL1003"],
])("POST %s with %s is answered with %i %s", async (call, body, status, code) => {
  const response = await fetch(`${plane.url}/v1/meshes/demo/${call}`, {
    method: "POST",
    headers: { authorization: `Bearer ${plane.token}`, "content-type": "application/json" },
    body,
  });
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(await response.json()).toMatchObject({ code, remedy: expect.any(String) });
});

test("weights that do not sum to 100 are taken as shares, with a warning", async () => {
  const name = await file("shares.yaml", rule("shares", "shares.example.com", shares(60, 50)));
  const result = await plane.heddle(["apply", "-f", name]);
  expect(result.code).toBe(0);
  expect(result.stderr).toMatch(/HDL0025.*shares\.yaml:7.*sum to 110/);
});

test("two rules for one host are refused with both named; --force settles it with a warning", async () => {
  const one = await file("one.yaml", rule("one", "contested.example.com", plain));
  const two = await file("two.yaml", rule("two", "contested.example.com", plain));
  expect((await plane.heddle(["apply", "-f", one])).code).toBe(0);
  const before = await revision();
  const refused = await plane.heddle(["apply", "-f", two]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/Error \[IST0109\].*two\.yaml:5.*default\/one,default\/two/);
  expect((await plane.heddle(["apply", "-f", one, "-f", two])).code).toBe(1);
  expect(await revision()).toBe(before);
  const forced = await plane.heddle(["apply", "-f", two, "--force"]);
  expect(forced.code).toBe(0);
  expect(forced.stderr).toMatch(/Warning \[IST0109\]/);
  expect((await plane.heddle(["delete", "vs", "two"])).code).toBe(0);
});

test("a dangling reference is reported with the write, and refused under --strict", async () => {
  const route = "  - route:\n    - destination: {host: b.example.com, subset: v9}\n";
  const name = await file("dangling.yaml", rule("dangling", "dangling.example.com", route));
  const strict = await plane.heddle(["apply", "--strict", "-f", name]);
  expect(strict.code).toBe(1);
  expect(strict.stderr).toMatch(/Error \[IST0101\].*dangling\.yaml:8/);
  const applied = await plane.heddle(["apply", "-f", name]);
  expect(applied.code).toBe(0);
  expect(applied.stderr).toMatch(/Warning \[IST0101\].*dangling\.yaml:8.*v9/);
});

test("wrong, revoked and expired tokens are told apart", async () => {
  const get = (token: string) => plane.heddle(["get", "vs", "--token", token]);
  const { id, token: revoked } = await plane.client.createToken({ name: "old", scopes: ["read"] });
  const { token: short } = await plane.client.createToken({
    name: "short",
    scopes: ["read"],
    expiresInSeconds: 1,
  });
  expect((await get(revoked)).code).toBe(0);
  await plane.client.revokeToken(id);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  const answers = await Promise.all(["nonsense", revoked, short].map(get));
  expect(answers.map(({ code }) => code)).toEqual([1, 1, 1]);
  for (const [index, code] of ["HDL1011", "HDL1013", "HDL1012"].entries())
    expect(answers[index]?.stderr).toMatch(new RegExp(`${code}[^]*→`));
  const reader = await plane.client.createToken({ name: "reader", scopes: ["read"] });
  const write = await plane.heddle(["delete", "vs", "one", "--token", reader.token]);
  expect(write.code).toBe(1);
  expect(write.stderr).toMatch(/HDL1014.*needs `write`/);
});

test.each([
  [["apply", "--bogus"], /unknown option/],
  [["apply"], /HDL9033/],
  [["apply", "-f", "no-such-file.yaml"], /HDL9030/],
  [["get", "virtualservise"], /HDL9034[^]*virtualservice/],
  [["agent", "--roles", "bogus"], /HDL7215/],
  [["agent", "--xds", "bogus"], /HDL7203/],
])("heddle %j is wrong usage", async (args, says) => {
  const { code, stderr } = await plane.heddle(args);
  expect(stderr).toMatch(says);
  expect(code).toBe(2);
});
