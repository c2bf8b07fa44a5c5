/** After a full run no private key and no token is in the database, in telemetry, in logs, in dumps, or in what anybody is answered. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { openPglite } from "@heddle/db/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFile } from "../../apps/api/src/telemetry/duckdb/open.ts";
import { createAuthority, type Leaf } from "../harness/certificates.ts";
import { formsOf, keyMaterialIn, type Secret, secretOf } from "../harness/key-material.ts";
import { failedOf, startLoad } from "../harness/load.ts";
import { ask } from "../harness/request.ts";
import { type SplitDemo, startSplitDemo } from "../harness/split-demo.ts";

/** Files that hold a secret because they are its place; nobody else may read them. */
const PLACES = [
  "plane/envelope-key",
  "plane/admin-token",
  "agent/intermediate.json",
  "agent/membership.json",
];
/** What the user put there. */
const GIVEN = "cluster/";
const CREDENTIAL = "shop-credential";
const SECURE_PORT = 8756;
/** The gateway's pod shares its own address with everything else. */
const GATEWAY_ADMIN = "127.50.0.2";

let split: SplitDemo;
let data: string;
let credential: Leaf;

beforeAll(async () => {
  split = await startSplitDemo({
    ...{ port: 8754, gatewayPort: 8755, block: 50 },
    env: { HEDDLE_CERTIFICATE_LIFETIME: "20s" },
  });
  data = path.dirname(split.demo.clusterDir);
  credential = await (await createAuthority()).issue("shop.example");
});
afterAll(() => split?.close());

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(data, path.join(entry.parentPath, entry.name)));
}

/** Everything that the API answers to a GET, for this mesh. */
async function answers(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const read = async (at: string) => {
    const response = await fetch(`${split.url}${at}`, {
      headers: { authorization: `Bearer ${split.token}` },
      signal: AbortSignal.timeout(10_000),
    });
    found.set(`GET ${at}`, await response.text());
  };
  await read("/v1/openapi.json");
  const { paths } = JSON.parse(found.get("GET /v1/openapi.json") ?? "") as {
    paths: Record<string, Record<string, unknown>>;
  };
  const values: Record<string, string> = {
    ...{ mesh: "demo", group: "networking.istio.io", kind: "Gateway", namespace: "default" },
    ...{ name: "bookinfo-gateway", revision: "1", host: "reviews.default.svc.cluster.local" },
  };
  for (const [template, operations] of Object.entries(paths)) {
    // Streams go on for ever, and tell what was told already.
    if (!("get" in operations) || /stream|events|sync$/.test(template)) continue;
    await read(template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "1"));
  }
  return found;
}

/** What the agent and each Envoy show of themselves. */
async function dumps(): Promise<Map<string, string>> {
  const { pods, gateway } = split.demo.cluster;
  const names = [...pods, gateway].map(({ name, namespace }) => `${name}.${namespace}`);
  const urls = [
    ...["proxies", "diagnostics", "sync", "clusters", "certificates", "objects"].map(
      (page) => `${split.demo.agentUrl}/debug/${page}`,
    ),
    ...names.map((name) => `${split.demo.agentUrl}/debug/config?proxy=${name}`),
    `${split.demo.agentUrl}/metrics`,
    ...[...pods.map(({ address }) => address), GATEWAY_ADMIN].flatMap((address) =>
      ["config_dump?include_eds", "certs", "clusters?format=json", "stats", "server_info"].map(
        (page) => `http://${address}:15000/${page}`,
      ),
    ),
  ];
  const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()));
  return new Map(urls.map((url, index) => [url, texts[index] ?? ""]));
}

/** Every row of every table, as text: on disk what is long may lie there compressed. */
async function rows(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const driver = await openPglite({ directory: path.join(data, "plane") });
  await driver.lease(async (connection) => {
    const tables = await connection.rows(
      "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
      [],
    );
    for (const [name] of tables as [string][]) {
      const all = await connection.rows(`SELECT t::text FROM ${name} t`, []);
      found.set(name, (all as [string][]).map(([row]) => row).join("\n"));
    }
  });
  await driver.close();
  const { instance, writer } = await openFile({ path: path.join(data, "plane/telemetry.duckdb") });
  const tables = await writer.runAndReadAll("SELECT table_name FROM duckdb_tables()");
  for (const [name] of tables.getRowsJS() as [string][]) {
    const all = await writer.runAndReadAll(`SELECT t::VARCHAR FROM "${name}" t`);
    found.set(`telemetry ${name}`, (all.getRowsJS() as [string][]).map(([row]) => row).join("\n"));
  }
  writer.closeSync();
  instance.closeSync();
  return found;
}

test("keys and tokens are in their places alone", async () => {
  const indent = (pem: string) => pem.trim().replaceAll("\n", "\n    ");
  await writeFile(
    path.join(split.demo.clusterDir, "credential.yaml"),
    `apiVersion: v1
kind: Secret
metadata: { name: ${CREDENTIAL}, namespace: istio-system }
type: kubernetes.io/tls
stringData:
  tls.crt: |
    ${indent(credential.chain)}
  tls.key: |
    ${indent(credential.key)}
`,
  );
  const gateway = path.join(data, "gateway.yaml");
  await writeFile(
    gateway,
    `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: secure, namespace: default }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: ${SECURE_PORT}, name: https, protocol: HTTPS }
      hosts: [shop.example]
      tls: { mode: SIMPLE, credentialName: ${CREDENTIAL} }
`,
  );
  const applied = await split.heddle(["apply", "-f", gateway]);
  expect(applied.code, applied.stderr).toBe(0);
  const load = startLoad({ url: `${split.demo.gatewayUrl}/productpage`, rate: 20, maxMs: 120_000 });
  // Certificates are renewed twice and more.
  await new Promise((resolve) => setTimeout(resolve, 35_000));
  const secure = { secure: true, rejectUnauthorized: false, servername: "shop.example" };
  expect((await ask("127.0.0.1", SECURE_PORT, "shop.example", "/", secure)).status).toBe(404);
  await split.restartAgent();
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  const samples = await load.stop();
  expect(failedOf(samples)).toEqual([]);

  const places = Object.fromEntries(
    await Promise.all(
      PLACES.map(async (place) => [place, await readFile(path.join(data, place), "utf8")] as const),
    ),
  );
  for (const place of PLACES)
    expect(((await stat(path.join(data, place))).mode & 0o777).toString(8), place).toBe("600");
  const intermediate = JSON.parse(places["agent/intermediate.json"] ?? "") as { key: string };
  const membership = JSON.parse(places["agent/membership.json"] ?? "") as { token: string };
  const secrets: Secret[] = [
    { name: "the intermediate's key", forms: formsOf(secretOf(intermediate.key)) },
    { name: "the gateway's key", forms: formsOf(secretOf(credential.key)) },
    {
      name: "the envelope key",
      forms: formsOf(Buffer.from(places["plane/envelope-key"] ?? "", "base64")),
    },
    { name: "the agent's token", forms: formsOf(Buffer.from(membership.token)) },
    { name: "the administrator's token", forms: formsOf(Buffer.from(split.token)) },
  ];

  const shown = new Map([...(await answers()), ...(await dumps())]);
  for (const args of [
    ["get", "-A", "-o", "yaml"],
    ["history"],
    ["proxy-status"],
    ["token", "list"],
  ]) {
    const { stdout, stderr } = await split.heddle(args);
    shown.set(`heddle ${args.join(" ")}`, stdout + stderr);
  }
  await split.group.close();
  for (const [table, text] of await rows()) shown.set(`table ${table}`, text);
  for (const file of await filesIn(data))
    if (!PLACES.includes(file) && !file.startsWith(GIVEN))
      shown.set(file, await readFile(path.join(data, file), "latin1"));

  const found = [...shown].flatMap(([where, text]) =>
    keyMaterialIn(text, secrets).map((what) => `${where}: ${what}`),
  );
  expect(found).toEqual([]);
  const bytes = [...shown.values()].reduce((sum, { length }) => sum + length, 0);
  console.log(`${shown.size} places, ${Math.round(bytes / 1e6)} MB: none`);
  expect(shown.size).toBeGreaterThan(100);
  // A search that finds nothing anywhere is a broken one.
  for (const place of PLACES)
    expect(keyMaterialIn(places[place] ?? "", secrets), place).not.toEqual([]);
});
