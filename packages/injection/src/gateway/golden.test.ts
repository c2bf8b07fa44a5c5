/** What is deployed for Gateways, written down: `testdata/gateway/<case>.yaml`. `UPDATE_GOLDEN=1` rewrites them. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ConfigMap,
  type GatewayApi,
  type MeshObject,
  parseDocuments,
  type ProxyConfig,
} from "@heddle/model";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { envoyBinary, validate } from "../../../../test/harness/envoy-process.ts";
import { defaultOptions } from "../settings.ts";
import { withProxiesIn } from "../testing/expand.ts";
import { deployGateway } from "./deploy.ts";

const FOLDER = fileURLToPath(new URL("../../testdata/gateway/", import.meta.url));
const updating = process.env["UPDATE_GOLDEN"] === "1";
const GOLDEN = ".deployed.yaml";
const files = await readdir(FOLDER);
const cases = files
  .filter((name) => !name.endsWith(GOLDEN))
  .map((name) => name.replace(".yaml", ""));

describe.each(cases)("%s", async (name) => {
  const text = await readFile(join(FOLDER, `${name}.yaml`), "utf8");
  const { objects, diagnostics } = parseDocuments(text, { file: `${name}.yaml` });
  const ofKind = <Spec>(kind: string) =>
    objects.flatMap(({ object }) => (object.kind === kind ? [object as MeshObject<Spec>] : []));
  const [gateway] = ofKind<GatewayApi.Gateway>("Gateway");
  const made = deployGateway(
    {
      gateway: gateway!,
      listenerSets: ofKind<GatewayApi.ListenerSet>("ListenerSet"),
      gatewayClass: ofKind<GatewayApi.GatewayClass>("GatewayClass")[0],
      parameters: ofKind<ConfigMap>("ConfigMap")[0],
      mesh: { rootNamespace: "istio-system", clusterDomain: "cluster.local" },
      proxyConfigs: ofKind<ProxyConfig>("ProxyConfig"),
    },
    defaultOptions,
  );
  const deployed = made.deployed ? made.objects : [];

  test("is read without complaint", () => expect(diagnostics).toEqual([]));

  test("becomes what is written down", async () => {
    const told = made.findings.map(({ code, level, message }) => `# ${level} ${code} ${message}\n`);
    const why = made.deployed ? [] : [`# nothing is deployed: ${made.because}\n`];
    const texts = deployed.map((object) =>
      stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
    );
    const whole = [...told, ...why, texts.join("---\n")].join("");
    const path = join(FOLDER, `${name}${GOLDEN}`);
    if (updating) await writeFile(path, whole);
    expect(whole).toBe(
      await readFile(path, "utf8").catch(() => "(missing: run with UPDATE_GOLDEN=1)"),
    );
  });

  test.skipIf(!envoyBinary)("starts Envoys on bootstraps that these accept", async () => {
    let proxies = 0;
    await withProxiesIn(deployed, async ({ bootstrap }) => {
      proxies += 1;
      expect(await validate(bootstrap)).toBe("");
    });
    expect(proxies).toBe(made.deployed ? 1 : 0);
  });
});

test("there is no file that nothing writes", async () => {
  const orphans = files.filter(
    (file) => file.endsWith(GOLDEN) && !cases.includes(file.slice(0, -GOLDEN.length)),
  );
  if (updating) await Promise.all(orphans.map((file) => rm(join(FOLDER, file))));
  else expect(orphans).toEqual([]);
});
