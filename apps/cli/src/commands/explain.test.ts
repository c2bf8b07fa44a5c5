/** `heddle explain` on files; what it says of a mesh that runs is shown in test/acceptance/console.test.ts. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stringify } from "yaml";
import {
  authorizationPolicy,
  peerAuthentication,
  pod,
  service,
} from "../../../../test/harness/objects.ts";
import { heddle } from "../../../../test/harness/demo-process.ts";

let folder: string;

const OBJECTS = [
  pod({ name: "basket-1", address: "10.0.0.1", labels: { app: "basket" }, workload: "basket" }),
  pod({ name: "web", address: "10.0.0.2", labels: { app: "web" }, serviceAccount: "web" }),
  ...service("basket", [{ name: "http", port: 80, targetPort: 8080 }], ["10.0.0.1"]),
  peerAuthentication("default", { mtls: { mode: "STRICT" } }),
  authorizationPolicy("readers", {
    selector: { matchLabels: { app: "basket" } },
    rules: [
      {
        from: [{ source: { serviceAccounts: ["web"] } }],
        to: [{ operation: { methods: ["GET"], paths: ["/baskets/{*}"] } }],
        when: [{ key: "request.headers[x-team]", values: ["blue"] }],
      },
    ],
  }),
];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heddle-explain-"));
  await writeFile(
    path.join(folder, "mesh.yaml"),
    OBJECTS.map((each) => {
      const { status, ...spec } = each.spec as { status?: object };
      const top = each.kind === "EndpointSlice" ? each.spec : { spec };
      return stringify({
        ...each,
        spec: undefined,
        ...(top as object),
        ...(status ? { status } : {}),
      });
    }).join("---\n"),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const explain = (...args: string[]) => heddle(["explain", "-f", folder, ...args]);
const TO = ["--to", "default/basket:80", "--path", "/baskets/7"];

it("lets in what a policy allows", async () => {
  const { code, stdout } = await explain(...TO, "--from", "default/web", "-H", "X-Team: blue");
  expect(stdout).toMatch(
    /^GET \/baskets\/7 \(basket\.default\) from spiffe:\/\/cluster\.local\/ns\/default\/sa\/web to default\/basket:8080  at basket-1\.default$/m,
  );
  expect(stdout).toMatch(
    /allow: Rule 0 of AuthorizationPolicy default\/readers, of action ALLOW, matches/,
  );
  expect(code).toBe(0);
});

it("says what a request lacks, where its policy stands, and what would help", async () => {
  const { code, stdout } = await explain(...TO, "--from", "default/web", "-X", "PUT");
  expect(stdout).toMatch(/AuthorizationPolicy default\/readers \(.*mesh\.yaml:\d+\)/);
  expect(stdout).toContain("operation.methods: wants GET; the request has PUT");
  expect(stdout).toContain("when request.headers[x-team]: wants blue; the request has nothing");
  expect(stdout).toMatch(
    /→ If it is to be let in, change when request\.headers\[x-team\] and operation\.methods/,
  );
  expect(stdout).toMatch(/It would be refused\.$/m);
  expect(code).toBe(1);
});

it("answers programs in JSON", async () => {
  const { code, stdout } = await explain(...TO, "--from", "plaintext", "-o", "json");
  expect(JSON.parse(stdout)).toMatchObject([
    {
      question: { namespace: "default", workload: "basket", port: 80, principal: null },
      answer: {
        proxy: "basket-1.default",
        explanation: {
          ...{ outcome: "refused", decidedBy: 0, layer: "http", port: 8080 },
          steps: [
            {
              check: "mutual TLS",
              objects: ["security.istio.io/PeerAuthentication/default/default"],
            },
          ],
        },
      },
    },
  ]);
  expect(code).toBe(1);
});

it.each<[string, string[], string, number]>([
  ["nothing asked", [], "HDL9125", 2],
  ["two things asked", ["4bf92f3577b34da6a3ce929d0e0e4736", ...TO], "HDL9125", 2],
  ["a request of the past asked of files", ["4bf92f3577b34da6a3ce929d0e0e4736"], "HDL9125", 2],
  ["a workload that is not there", ["--to", "default/none:80"], "HDL9128", 1],
  ["a caller that is not there", [...TO, "--from", "default/none"], "HDL9128", 1],
  ["no port", ["--to", "default/basket"], "HDL9129", 2],
  ["a port that none is", ["--to", "default/basket:70000"], "HDL9129", 2],
  ["a path that is none", ["--to", "default/basket:80", "--path", "baskets"], "HDL9129", 2],
  ["a header that is none", [...TO, "-H", "blue"], "HDL9129", 2],
  ["claims that are none", [...TO, "--claims", "[1]"], "HDL9129", 2],
  ["an address that is none", [...TO, "--source-ip", "10.0.0"], "HDL9129", 2],
])("refuses %s, with what to do", async (_, args, wanted, exit) => {
  const { code, stderr } = await explain(...args);
  expect(stderr).toMatch(new RegExp(`error ${wanted} .*\n.*→ `));
  expect(code).toBe(exit);
});

it("cannot read what is no line of a log", async () => {
  await writeFile(path.join(folder, "line.txt"), "{}");
  const env = { HEDDLE_URL: "http://127.0.0.1:9", HEDDLE_TOKEN: "x", HEDDLE_MESH: "m" };
  const { stderr } = await heddle(["explain", "--line", path.join(folder, "line.txt")], env);
  expect(stderr).toContain("HDL9127");
});
