/** What ProxyConfigs and patches of the bootstrap make of an Envoy that starts on what `heddle xds --bootstrap` prints. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { offlineXds } from "../../../apps/cli/src/offline/xds.ts";
import { type Application, startApplication } from "../../harness/application.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../../harness/envoy-process.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const GOLD = "127.148.0.1";
const PLAIN = "127.148.0.2";
const APP = "127.148.0.3";

const MESH = `
apiVersion: v1
kind: Pod
metadata: {name: gold, labels: {istio: ingressgateway, tier: gold}}
spec: {containers: [{name: app}]}
status: {podIP: ${GOLD}}
---
apiVersion: v1
kind: Pod
metadata: {name: plain, labels: {istio: ingressgateway, tier: plain}}
spec: {containers: [{name: app}]}
status: {podIP: ${PLAIN}}
---
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: all}
spec: {concurrency: 2, environmentVariables: {ISTIO_META_LEVEL: all}}
---
apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: gold}
spec:
  selector: {matchLabels: {tier: gold}}
  concurrency: 3
  environmentVariables: {ISTIO_META_TIER: gold}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: prefix}
spec:
  configPatches:
    - applyTo: BOOTSTRAP
      match: {proxy: {metadata: {TIER: gold}}}
      patch: {operation: MERGE, value: {header_prefix: x-gold}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: ["*"]
  gateways: [edge]
  http: [{route: [{destination: {host: shop.example.com, port: {number: 80}}}]}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: shop}
spec:
  hosts: [shop.example.com]
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 9080}]
  resolution: STATIC
  endpoints: [{address: ${APP}}]
`;

interface Started {
  readonly envoy: RunningEnvoy;
  readonly metadata: object | undefined;
}

describe.skipIf(!envoyBinary)("an Envoy that starts on the bootstrap that is printed", () => {
  let app: Application;
  let gold: Started;
  let plain: Started;

  async function started(name: string, address: string): Promise<Started> {
    const found = offlineXds([{ name: "mesh.yaml", content: MESH }], {
      proxy: `${name}.default`,
      trustDomain: "cluster.local",
    });
    const printed = found.bootstrap() as Bootstrap;
    // Whoever starts several Envoys on one machine moves the admin interface and the gateway's ports apart.
    const text = JSON.stringify(printed)
      .replaceAll(
        '"address":"127.0.0.1","portValue":15000',
        `"address":"${address}","portValue":15000`,
      )
      .replaceAll(
        '"address":"0.0.0.0","portValue":8080',
        `"address":"${address}","portValue":8080`,
      );
    return {
      envoy: await startEnvoy(JSON.parse(text) as Bootstrap, undefined, found.concurrency),
      metadata: printed.node?.metadata,
    };
  }

  beforeAll(async () => {
    app = await startApplication("shop", APP, 9080);
    gold = await started("gold", GOLD);
    plain = await started("plain", PLAIN);
  });
  afterAll(async () => {
    await Promise.all([gold.envoy.stop(), plain.envoy.stop(), app.stop()]);
  });

  const threads = async ({ envoy }: Started) =>
    /server\.concurrency: (\d+)/.exec(await envoy.admin("/stats?filter=server.concurrency"))?.[1];

  proves(
    {
      ProxyConfig: ["selector.matchLabels", "concurrency", "environmentVariables"],
      EnvoyFilter: ["configPatches[].applyTo=BOOTSTRAP"],
    },
    "has the threads, the node's metadata and the patches that are for it, over what is for all",
    async () => {
      expect(await threads(gold)).toBe("3");
      expect(await threads(plain)).toBe("2");
      expect(gold.metadata).toMatchObject({ LEVEL: "all", TIER: "gold" });
      expect(plain.metadata).toMatchObject({ LEVEL: "all" });
      expect(plain.metadata).not.toHaveProperty("TIER");
      const ofGold = await ask(GOLD, 8080, "shop.example.com", "/");
      const ofPlain = await ask(PLAIN, 8080, "shop.example.com", "/");
      expect([ofGold.status, ofPlain.status]).toEqual([200, 200]);
      expect(ofGold.headers).toHaveProperty("x-gold-upstream-service-time");
      expect(ofGold.headers).not.toHaveProperty("x-envoy-upstream-service-time");
      expect(ofPlain.headers).toHaveProperty("x-envoy-upstream-service-time");
    },
  );
});
