/** A gateway's ports, hosts, certificates and rules, by requests to a real Envoy. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Application, startApplication } from "../../harness/application.ts";
import {
  certificateSecret,
  createAuthority,
  type Leaf,
  type TestAuthority,
  workloadSecrets,
} from "../../harness/certificates.ts";
import { envoyBinary, type RunningEnvoy, startEnvoy } from "../../harness/envoy-process.ts";
import { gateway, pod, service, virtualService } from "../../harness/objects.ts";
import { scrape } from "../../harness/scrape.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { bootstrapOf } from "../../harness/world.ts";
import { proves } from "../proves.ts";

const EDGE = "127.74.0.1";
const BOUND = "127.74.0.9";
const SHOP = { address: "127.74.0.2", app: "127.74.1.2" };
const BLOG = { address: "127.74.0.3", app: "127.74.1.3" };
const PORT = 9080;

const to = (host: string) => ({ destination: { host, port: { number: PORT } } });

const OBJECTS = [
  pod({
    name: "edge-1",
    address: EDGE,
    labels: { istio: "ingressgateway", app: "edge" },
    namespace: "edge",
    serviceAccount: "edge",
  }),
  pod({ name: "shop", address: SHOP.address, labels: { app: "shop" }, serviceAccount: "shop" }),
  pod({
    name: "blog",
    address: BLOG.address,
    labels: { app: "blog" },
    serviceAccount: "blog",
    namespace: "other",
  }),
  // Ports 80 and 443 of the Service lead to 8080 and 8443 of the pod.
  ...service(
    "edge",
    [
      { name: "http", port: 80, targetPort: 8080 },
      { name: "https", port: 443, targetPort: 8443 },
    ],
    [EDGE],
    { namespace: "edge" },
  ),
  ...service("shop", [{ name: "http", port: PORT }], [SHOP.address]),
  ...service("blog", [{ name: "http", port: PORT }], [BLOG.address], { namespace: "other" }),
  gateway("main", {
    selector: { istio: "ingressgateway" },
    servers: [
      {
        port: { number: 80, name: "http", protocol: "HTTP" },
        hosts: ["*.example.com", "./own.test", "elsewhere/blog.test"],
      },
      {
        port: { number: 80, name: "http-secure", protocol: "HTTP" },
        hosts: ["secure.test"],
        tls: { httpsRedirect: true },
      },
      {
        port: { number: 443, name: "https-shop", protocol: "HTTPS" },
        hosts: ["shop.example.com", "secure.test"],
        tls: { mode: "SIMPLE", credentialName: "shop-cert" },
      },
      {
        port: { number: 443, name: "https-mutual", protocol: "HTTPS" },
        hosts: ["mutual.example.com"],
        tls: { mode: "MUTUAL", credentialName: "mutual-cert" },
      },
      { port: { number: 9999, name: "http-bound", protocol: "HTTP" }, bind: BOUND, hosts: ["*"] },
    ],
  }),
  gateway(
    "second",
    {
      selector: { istio: "ingressgateway" },
      servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["second.test"] }],
    },
    "other",
  ),
  gateway("unrelated", {
    selector: { istio: "egressgateway" },
    servers: [{ port: { number: 7777, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
  }),
  virtualService("a-catch-all", {
    hosts: ["shop.example.com"],
    gateways: ["main"],
    http: [{ name: "rest", route: [to("shop")] }],
  }),
  virtualService("b-special", {
    hosts: ["shop.example.com"],
    gateways: ["main"],
    http: [
      {
        match: [{ uri: { prefix: "/special" } }],
        directResponse: { status: 299, body: { string: "special" } },
      },
    ],
  }),
  virtualService("wide", {
    hosts: ["*"],
    gateways: ["default/main"],
    http: [{ directResponse: { status: 201 } }],
  }),
  virtualService("own", {
    hosts: ["own.test"],
    gateways: ["main"],
    http: [{ route: [to("shop")] }],
  }),
  virtualService(
    "blog",
    { hosts: ["blog.test"], gateways: ["default/main"], http: [{ route: [to("blog")] }] },
    "other",
  ),
  virtualService(
    "second",
    { hosts: ["second.test"], gateways: ["second"], http: [{ route: [to("blog")] }] },
    "other",
  ),
  virtualService("secure", {
    hosts: ["secure.test"],
    gateways: ["main"],
    http: [{ route: [to("shop")] }],
  }),
  virtualService("mutual", {
    hosts: ["mutual.example.com"],
    gateways: ["main"],
    http: [{ match: [{ gateways: ["main"], port: 443 }], route: [to("shop")] }],
  }),
  virtualService("redirecting", {
    hosts: ["moved.example.com"],
    gateways: ["main", "mesh"],
    http: [
      { match: [{ gateways: ["mesh"] }], directResponse: { status: 500 } },
      {
        match: [{ gateways: ["main"] }],
        redirect: { scheme: "https", authority: "shop.example.com" },
      },
    ],
  }),
];

describe.skipIf(!envoyBinary)("a gateway, in Envoy", () => {
  const envoys: RunningEnvoy[] = [];
  const applications: Application[] = [];
  let authority: TestAuthority;
  let person: Leaf;

  beforeAll(async () => {
    authority = await createAuthority();
    person = await authority.issue("person.example");
    const roots = authority.certificate;
    const secrets = async (account: string) =>
      workloadSecrets(await authority.issue(`spiffe://cluster.local/ns/${account}`), roots);
    for (const [name, { address, app }, namespace] of [
      ["shop", SHOP, "default"],
      ["blog", BLOG, "other"],
    ] as const) {
      applications.push(await startApplication(name, app, PORT));
      const proxy = { pod: name, address, appAddress: app, labels: { app: name }, namespace };
      envoys.push(
        await startEnvoy(
          bootstrapOf(OBJECTS, { ...proxy, secrets: await secrets(`${namespace}/sa/${name}`) }),
        ),
      );
    }
    const edge = bootstrapOf(OBJECTS, {
      type: "router",
      pod: "edge-1",
      address: EDGE,
      namespace: "edge",
      labels: { istio: "ingressgateway", app: "edge" },
      secrets: [
        ...(await secrets("edge/sa/edge")),
        certificateSecret("kubernetes://edge/shop-cert", await authority.issue("shop.example.com")),
        certificateSecret(
          "kubernetes://edge/mutual-cert",
          await authority.issue("mutual.example.com"),
        ),
        {
          name: "kubernetes://edge/mutual-cert-cacert",
          validationContext: { trustedCa: { inlineString: roots } },
        },
      ],
    });
    envoys.push(await startEnvoy(edge));
  });

  afterAll(async () => {
    await Promise.all(envoys.map((envoy) => envoy.stop()));
    await Promise.all(applications.map((application) => application.stop()));
  });

  const get = (host: string, path = "/", asking?: Asking) => ask(EDGE, 8080, host, path, asking);
  const secure = (host: string, asking: Asking = {}) =>
    ask(EDGE, 8443, host, "/", {
      secure: true,
      servername: host,
      ca: authority.certificate,
      ...asking,
    });

  proves(
    "Gateway",
    ["selector", "servers[].port.{number,protocol}", "servers[].hosts"],
    "listens on the target port of its Service and lets a host in that a wildcard covers",
    async () => {
      const answer = await get("shop.example.com");
      expect([answer.status, answer.echo().name]).toEqual([200, "shop"]);
    },
  );

  test("knows a host by whatever port it was reached", async () => {
    expect((await get("shop.example.com:12345")).status).toBe(200);
  });

  test("merges the rules of several VirtualServices for a host, with what takes everything last", async () => {
    expect((await get("shop.example.com", "/special/offer")).status).toBe(299);
    expect((await get("shop.example.com", "/")).echo().name).toBe("shop");
  });

  test("lets a wildcard of a VirtualService in as far as the server's hosts go", async () => {
    expect((await get("any.example.com")).status).toBe(201);
    expect((await get("any.example.org")).status).toBe(404);
  });

  test("lets ./host in from the Gateway's namespace, and namespace/host from no other", async () => {
    expect((await get("own.test")).status).toBe(200);
    expect((await get("blog.test")).status).toBe(404);
  });

  test("serves the Gateways of several namespaces on one port", async () => {
    expect((await get("second.test")).echo().name).toBe("blog");
  });

  proves(
    "Gateway",
    ["servers[].tls.httpsRedirect"],
    "redirects to HTTPS where a server asks for it",
    async () => {
      const answer = await get("secure.test", "/a?b");
      expect([answer.status, answer.headers["location"]]).toEqual([301, "https://secure.test/a?b"]);
    },
  );

  proves(
    "VirtualService",
    ["gateways", "hosts"],
    "applies rules for a gateway by name, and not those for the mesh",
    async () => {
      const answer = await get("moved.example.com", "/x");
      expect([answer.status, answer.headers["location"]]).toEqual([
        301,
        "https://shop.example.com/x",
      ]);
    },
  );

  proves(
    "Gateway",
    ["servers[].tls.mode=SIMPLE", "servers[].tls.credentialName"],
    "serves HTTPS with the certificate that the server names",
    async () => {
      expect((await secure("shop.example.com")).echo().name).toBe("shop");
      await expect(secure("secure.test")).rejects.toThrow(/altnames|Hostname/);
      expect((await secure("secure.test", { rejectUnauthorized: false })).status).toBe(200);
    },
  );

  test("has nothing to say in TLS for a name that no server has", async () => {
    await expect(secure("unknown.example", { rejectUnauthorized: false })).rejects.toThrow();
  });

  proves(
    "Gateway",
    ["servers[].tls.mode=MUTUAL"],
    "asks for a client's certificate in MUTUAL",
    async () => {
      await expect(secure("mutual.example.com")).rejects.toThrow();
      const answer = await secure("mutual.example.com", { cert: person.chain, key: person.key });
      expect(answer.status).toBe(200);
    },
  );

  test("does not answer for a host of another server on a TLS connection", async () => {
    expect((await secure("shop.example.com", { headers: {} })).status).toBe(200);
    const crossed = await ask(EDGE, 8443, "mutual.example.com", "/", {
      secure: true,
      servername: "shop.example.com",
      rejectUnauthorized: false,
    });
    expect(crossed.status).toBe(404);
  });

  proves(
    "Gateway",
    ["servers[].bind"],
    "binds the address that a server names, on its own port where the Service has none",
    async () => {
      const answer = await ask(BOUND, 9999, "any.example.net", "/");
      expect(answer.status).toBe(201);
    },
  );

  test("does not open ports of Gateways that select others", async () => {
    await expect(ask(EDGE, 7777, "any", "/")).rejects.toThrow(/ECONNREFUSED/);
  });

  test("reports as the source of what it sends on, by its own identity", async () => {
    await get("shop.example.com", "/counted");
    const samples = await scrape(EDGE, "istio_requests_total");
    const sent = samples.find(({ labels }) => labels["destination_service_name"] === "shop");
    expect(sent?.labels).toMatchObject({
      reporter: "source",
      source_app: "edge",
      source_workload_namespace: "edge",
      source_principal: "spiffe://cluster.local/ns/edge/sa/edge",
      destination_principal: "spiffe://cluster.local/ns/default/sa/shop",
    });
  });

  test("believes no client about its certificate", async () => {
    const headers = { "x-forwarded-client-cert": "URI=spiffe://forged" };
    const echo = (await get("shop.example.com", "/", { headers })).echo();
    expect(echo.headers["x-forwarded-client-cert"]).toContain(
      "URI=spiffe://cluster.local/ns/edge/sa/edge",
    );
    expect(echo.headers["x-forwarded-client-cert"]).not.toContain("forged");
  });
});
