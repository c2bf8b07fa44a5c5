import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { chosenValues } from "./values.ts";

const NONE = { filename: [], set: [], setString: [] };
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(path.join(tmpdir(), "heddle-values-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(path.join(folder, name), text);
  return path.join(folder, name);
}

it("takes files, then --set, then --set-string, then --revision", async () => {
  const first = await file(
    "first.yaml",
    "profile: demo\nagent: { replicas: 4, plaintext: true }\n",
  );
  const second = await file("second.yaml", "agent: { replicas: 5 }\n");
  const values = await chosenValues({
    filename: [first, second],
    set: ["mesh.clusterId=east"],
    setString: ["mesh.clusterId=7"],
    revision: "canary",
  });
  expect(values.profile).toBe("demo");
  expect(values.revision).toBe("canary");
  expect(values.agent).toMatchObject({ replicas: 5, plaintext: true });
  expect(values.mesh.clusterId).toBe("7");
});

it("reads words as YAML would, lists in braces, and dots inside of a name", async () => {
  const { agent, images } = await chosenValues({
    ...NONE,
    set: [
      "agent.replicas=3",
      "agent.disruptionBudget.enabled=false",
      "agent.arguments={--name=a=b,--x}",
      "agent.nodeSelector.kubernetes\\.io/os=linux",
      "images.agent=registry.example:5000/agent@sha256:00",
    ],
  });
  expect(agent.replicas).toBe(3);
  expect(agent.disruptionBudget.enabled).toBe(false);
  expect(agent.arguments).toEqual(["--name=a=b", "--x"]);
  expect(agent.nodeSelector).toEqual({ "kubernetes.io/os": "linux" });
  expect(images.agent).toBe("registry.example:5000/agent@sha256:00");
});

it("refuses with HDL9063 what is no value, and says where", async () => {
  const list = await file("list.yaml", "- a\n");
  const broken = await file("broken.yaml", "a: [\n");
  for (const [flags, said] of [
    [{ set: ["replicas"] }, /--set replicas/],
    [{ set: ["agent.replicas=many"] }, /agent\.replicas/],
    [{ set: ["profile=ambient"] }, /profile.*ambient/],
    [{ filename: [list] }, /list\.yaml/],
    [{ filename: [broken] }, /broken\.yaml/],
    [{ filename: [path.join(folder, "none.yaml")] }, /none\.yaml/],
  ] as const)
    await expect(chosenValues({ ...NONE, ...flags })).rejects.toMatchObject({
      code: "HDL9063",
      exitCode: 2,
      message: expect.stringMatching(said) as unknown,
    });
});
