/** Kubernetes' Ingress at the mesh's ingress gateways: whose it is, hosts, paths, backends, certificates, and who wins. */
import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import type { Ingress, IngressBackend, IngressPath, MeshObject } from "@heddle/model";
import { describe, expect, test } from "vitest";
import { certificateSecret } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh, type TestWorkload } from "../../harness/mesh.ts";
import {
  gateway,
  ingress,
  ingressClass,
  meshSettings,
  object,
  service,
  virtualService,
} from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.200.0.1";
const HTTP = 8080;
const HTTPS = 8443;

/** The Service in front of a gateway: clients address 80 and 443, and that is what an Ingress means. */
const front = (name: string, address: string) =>
  service(
    name,
    [
      { name: "http", port: 80, targetPort: HTTP },
      { name: "https", port: 443, targetPort: HTTPS },
    ],
    [address],
    { namespace: "istio-system" },
  );

const edge = (address: string, istio: string): TestWorkload => ({
  address,
  type: "router",
  namespace: "istio-system",
  labels: { istio },
});

const to = (name: string, port: string | number = 80): IngressBackend => ({
  service: { name, port: typeof port === "number" ? { number: port } : { name: port } },
});

const path = (
  text: string,
  backend: IngressBackend,
  pathType: IngressPath["pathType"] = "Prefix",
): IngressPath => ({ path: text, pathType, backend });

const forHost = (host: string, ...paths: IngressPath[]): Ingress => ({
  ingressClassName: "istio",
  rules: [{ host, http: { paths } }],
});

const OLD = { creationTimestamp: "2026-01-01T00:00:00Z" };
const NEW = { creationTimestamp: "2026-02-01T00:00:00Z" };
const everything = (name: string) => path("/", to(name));

describe.skipIf(!envoyBinary)("an Ingress", () => {
  const one = { address: "127.200.0.2", ports: [80, 81], sidecar: false };
  const two = { address: "127.200.0.3", ports: [80], sidecar: false };
  const secret = (name: string, namespace: string): MeshObject =>
    object("v1", "Secret", name, { type: "kubernetes.io/tls" }, namespace);
  startedMesh({
    workloads: {
      edge: {
        ...edge(EDGE, "ingressgateway"),
        secrets: async (authority) => [
          certificateSecret(
            "kubernetes://istio-system/shared",
            await authority.issue("shared.test"),
          ),
          certificateSecret("kubernetes://default/own", await authority.issue("own.test")),
          certificateSecret("kubernetes://istio-system/any", await authority.issue("any.test")),
        ],
      },
      one,
      two,
    },
    objects: [
      ...front("istio-ingressgateway", EDGE),
      ...service(
        "one",
        [
          { name: "http", port: 80 },
          { name: "admin", port: 81 },
        ],
        [one.address],
      ),
      ...service("two", [{ name: "http", port: 80 }], [two.address]),

      ingressClass("ours", { controller: "heddle.dev/ingress-controller" }),
      ingressClass("istios", { controller: "istio.io/ingress-controller" }),
      ingressClass("nginx", { controller: "k8s.io/ingress-nginx" }),
      ...["istio", "ours", "istios", "nginx", "missing"].map((name) =>
        ingress(`class-${name}`, {
          ingressClassName: name,
          rules: [{ host: `${name}.class.test`, http: { paths: [everything("one")] } }],
        }),
      ),
      ingress("class-none", {
        rules: [{ host: "none.class.test", http: { paths: [everything("one")] } }],
      }),
      ...["istio", "nginx"].map((name) =>
        ingress(
          `annotation-${name}`,
          { rules: [{ host: `${name}.annotation.test`, http: { paths: [everything("one")] } }] },
          { annotations: { "kubernetes.io/ingress.class": name } },
        ),
      ),

      ingress("paths", {
        ingressClassName: "istio",
        rules: [
          {
            host: "paths.test",
            http: {
              paths: [
                path("/", to("one")),
                path("/segments", to("two")),
                path("/slash/", to("two")),
                path("/exact", to("two"), "Exact"),
                path("/same", to("one")),
                path("/same", to("two"), "Exact"),
                path("/both/", to("one")),
                path("/both", to("two"), "Exact"),
                path("/free", to("two"), "ImplementationSpecific"),
                path("/below/*", to("two"), "ImplementationSpecific"),
                path("/start.*", to("two"), "ImplementationSpecific"),
              ],
            },
          },
        ],
      }),
      ingress("wild", forHost("*.wild.test", everything("one"))),
      ingress("exact-in-wild", forHost("a.wild.test", everything("two"))),
      ingress(
        "backends",
        forHost(
          "backends.test",
          path("/number", to("one", 81)),
          path("/name", to("one", "admin")),
          path("/gone", to("gone", 80)),
          path("/gone-name", to("one", "nothing")),
          path("/bucket", {
            resource: { apiGroup: "storage.example.com", kind: "Bucket", name: "files" },
          }),
          path("/", to("two")),
        ),
      ),
      ingress("unmatched", {
        ...forHost("unmatched.test", path("/known", to("one"))),
        defaultBackend: to("two", "http"),
      }),
      ingress("strict", forHost("strict.test", path("/known", to("one")))),
      ingress(
        "every-other-host",
        {
          ingressClassName: "istio",
          defaultBackend: to("one", 81),
          rules: [{ http: { paths: [path("/anywhere", to("two"))] } }],
        },
        OLD,
      ),
      ingress("bucket-by-default", {
        ...forHost("bucket.test", path("/known", to("one"))),
        defaultBackend: {
          resource: { apiGroup: "storage.example.com", kind: "Bucket", name: "files" },
        },
      }),

      // The newer one comes first here, and in the alphabet.
      ingress(
        "a-newer",
        forHost("contested.test", path("/same", to("two")), path("/same/longer", to("two"))),
        NEW,
      ),
      ingress(
        "b-older",
        forHost("contested.test", path("/same", to("one")), path("/", to("one"))),
        OLD,
      ),

      secret("shared", "istio-system"),
      secret("any", "istio-system"),
      secret("own", "default"),
      ingress(
        "tls",
        {
          ingressClassName: "istio",
          tls: [
            { hosts: ["secure.test", "also.test"], secretName: "shared" },
            { hosts: ["own.test"], secretName: "own" },
            { hosts: ["uncertified.test"] },
          ],
          rules: [
            { host: "secure.test", http: { paths: [everything("one")] } },
            { host: "own.test", http: { paths: [everything("two")] } },
          ],
        },
        OLD,
      ),
      ingress("tls-of-another", {
        ...forHost("also.test", everything("two")),
        tls: [{ hosts: ["secure.test"], secretName: "own" }],
      }),
      ingress("tls-any", {
        ...forHost("any.test", everything("two")),
        tls: [{ secretName: "any" }],
      }),

      gateway("shop", {
        selector: { istio: "ingressgateway" },
        servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: ["shop.test"] }],
      }),
      virtualService("shop", {
        hosts: ["shop.test"],
        gateways: ["shop"],
        http: [{ match: [{ uri: { prefix: "/rule" } }], directResponse: { status: 418 } }],
      }),
      ingress("shop", forHost("shop.test", everything("one"))),
    ],
  });

  /** Status, or the name and port of the application that answered. */
  const get = async (host: string, at = "/") => {
    const answer = await ask(EDGE, HTTP, host, at);
    if (answer.status !== 200) return answer.status;
    const { name, port } = answer.echo();
    return port === 80 ? name : `${name}:${port}`;
  };
  /** The same in TLS, with the name in the certificate that was shown; undefined where TLS comes to nothing. */
  const secure = async (name: string) => {
    const shown = await certificateShown(name);
    if (shown === undefined) return undefined;
    const answer = await ask(EDGE, HTTPS, name, "/", {
      secure: true,
      servername: name,
      rejectUnauthorized: false,
    });
    return `${answer.status === 200 ? answer.echo().name : answer.status} as ${shown}`;
  };

  proves(
    { Ingress: ["ingressClassName"], MeshSettings: ["ingressControllerMode=STRICT"] },
    "is served if its class is the mesh's, by name, by its controller or by the old annotation; others and those without one are not",
    async () => {
      expect(await get("istio.class.test")).toBe("one");
      expect(await get("ours.class.test")).toBe("one");
      expect(await get("istios.class.test")).toBe("one");
      expect(await get("istio.annotation.test")).toBe("one");
      // The default backend takes what nobody speaks of.
      for (const host of ["nginx.class", "missing.class", "none.class", "nginx.annotation"]) {
        expect(await get(`${host}.test`), host).toBe("one:81");
      }
    },
  );

  proves(
    "Ingress",
    ["rules[].http.paths[].{path,pathType=Prefix,pathType=Exact}"],
    "takes paths whole or by their segments, the longest first, an exact one before a prefix",
    async () => {
      expect(await get("paths.test", "/segments")).toBe("two");
      expect(await get("paths.test", "/segments/more?q=1")).toBe("two");
      expect(await get("paths.test", "/segmentsmore")).toBe("one");
      expect(await get("paths.test", "/slash")).toBe("two");
      expect(await get("paths.test", "/slash/more")).toBe("two");
      expect(await get("paths.test", "/slashes")).toBe("one");
      expect(await get("paths.test", "/exact")).toBe("two");
      expect(await get("paths.test", "/exact/")).toBe("one");
      expect(await get("paths.test", "/same")).toBe("two");
      expect(await get("paths.test", "/same/more")).toBe("one");
      expect(await get("paths.test", "/both")).toBe("two");
      expect(await get("paths.test", "/both/")).toBe("one");
    },
  );

  proves(
    "Ingress",
    ["rules[].http.paths[].pathType=ImplementationSpecific"],
    "reads a path of no type as Istio does: whole, or as a prefix of segments with * or .* at its end",
    async () => {
      expect(await get("paths.test", "/free")).toBe("two");
      expect(await get("paths.test", "/free/more")).toBe("one");
      expect(await get("paths.test", "/below/more")).toBe("two");
      expect(await get("paths.test", "/below")).toBe("two");
      expect(await get("paths.test", "/start/more")).toBe("two");
      expect(await get("paths.test", "/starting")).toBe("one");
    },
  );

  proves(
    "Ingress",
    ["rules[].host"],
    "is for its host, in any case and with any port, for names under a wildcard, or for every host",
    async () => {
      expect(await get("PATHS.test:80")).toBe("one");
      expect(await get("b.wild.test")).toBe("one");
      expect(await get("a.wild.test")).toBe("two");
      expect(await get("unheard-of.test", "/anywhere")).toBe("two");
      // A host that has rules of its own does not fall back on those for every host.
      expect(await get("strict.test", "/anywhere")).toBe(404);
    },
  );

  proves(
    "Ingress",
    ["rules[].http.paths[].backend.service.{name,port.name,port.number}"],
    "sends requests to a port of a service, by number or name; one that is not there is answered with 503, and by nobody else",
    async () => {
      expect(await get("backends.test", "/number")).toBe("one:81");
      expect(await get("backends.test", "/name")).toBe("one:81");
      expect(await get("backends.test", "/")).toBe("two");
      expect(await get("backends.test", "/gone")).toBe(503);
      expect(await get("backends.test", "/gone-name")).toBe(503);
    },
  );

  proves(
    "Ingress",
    [
      "rules[].http.paths[].backend.resource.{apiGroup,kind,name}",
      "defaultBackend.resource.{apiGroup,kind,name}",
    ],
    "answers with 503 for a backend that is no Service",
    async () => {
      expect(await get("backends.test", "/bucket")).toBe(503);
      expect(await get("bucket.test", "/known")).toBe("one");
      expect(await get("bucket.test", "/other")).toBe(503);
    },
  );

  proves(
    "Ingress",
    ["defaultBackend.service.{name,port.name,port.number}"],
    "sends to the default backend what its rules do not take, and what is for hosts that nobody speaks of",
    async () => {
      expect(await get("unmatched.test", "/known")).toBe("one");
      expect(await get("unmatched.test", "/other")).toBe("two");
      expect(await get("unheard-of.test")).toBe("one:81");
      expect(await get("strict.test", "/other")).toBe(404);
    },
  );

  test("joins the paths of several for one host; of two that are alike the oldest decides", async () => {
    expect(await get("contested.test", "/same")).toBe("one");
    expect(await get("contested.test", "/same/longer")).toBe("two");
    expect(await get("contested.test", "/")).toBe("one");
  });

  proves(
    "Ingress",
    ["tls[].{hosts,secretName}"],
    "shows the certificate of its Secret to who asks for one of the hosts: the gateway's Secret, else its own; without hosts to all others",
    async () => {
      expect(await secure("secure.test")).toBe("one as shared.test");
      expect(await secure("own.test")).toBe("two as own.test");
      // The names of one certificate serve the rules of every Ingress.
      expect(await secure("also.test")).toBe("two as shared.test");
      expect(await secure("any.test")).toBe("two as any.test");
      expect(await secure("uncertified.test")).toBe("one as any.test");
      // In the clear it is served as well.
      expect(await get("secure.test")).toBe("one");
    },
  );

  test("comes after the rules of a Gateway for the same host", async () => {
    expect(await get("shop.test", "/rule")).toBe(418);
    expect(await get("shop.test", "/")).toBe("one");
  });

  function certificateShown(servername: string): Promise<string | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host: EDGE, port: HTTPS, servername, rejectUnauthorized: false });
      socket.on("secureConnect", () => {
        const { raw } = socket.getPeerCertificate();
        resolve(new X509Certificate(raw).subjectAltName?.replace("DNS:", ""));
        socket.destroy();
      });
      socket.on("error", () => resolve(undefined));
    });
  }
});

describe.skipIf(!envoyBinary)("settings for Ingresses", () => {
  const PICKED = "127.200.2.1";
  const SERVICE = "127.200.2.2";
  const USUAL = "127.200.2.3";
  const application = { address: "127.200.2.4", ports: [80], sidecar: false };
  const objects = [
    ...service("one", [{ name: "http", port: 80 }], [application.address]),
    ...front("picked", PICKED),
    ...front("edge", SERVICE),
    ...front("istio-ingressgateway", USUAL),
    ingress("unclassed", { rules: [{ host: "none.test", http: { paths: [everything("one")] } }] }),
    ingress("istio", {
      ingressClassName: "istio",
      rules: [{ host: "istio.test", http: { paths: [everything("one")] } }],
    }),
    ingress("mesh", {
      ingressClassName: "mesh",
      rules: [{ host: "mesh.test", http: { paths: [everything("one")] } }],
    }),
  ];
  startedMesh({
    workloads: { picked: edge(PICKED, "picked"), application },
    objects: [
      ...objects,
      meshSettings({
        ingressClass: "mesh",
        ingressControllerMode: "DEFAULT",
        ingressSelector: "picked",
        ingressService: "edge",
      }),
    ],
  });
  startedMesh({
    workloads: { service: edge(SERVICE, "edge") },
    objects: [...objects, meshSettings({ ingressService: "edge" })],
  });
  startedMesh({
    workloads: { usual: edge(USUAL, "ingressgateway") },
    objects: [...objects, meshSettings({ ingressControllerMode: "OFF" })],
  });

  const get = async (address: string, host: string) =>
    (await ask(address, HTTP, host, "/").catch(() => undefined))?.status;

  proves(
    "MeshSettings",
    ["ingressClass", "ingressControllerMode=DEFAULT", "ingressSelector"],
    "Ingresses of the chosen class and those without one are served by the gateways that the selector names",
    async () => {
      expect(await get(PICKED, "mesh.test")).toBe(200);
      expect(await get(PICKED, "none.test")).toBe(200);
      expect(await get(PICKED, "istio.test")).toBe(404);
    },
  );

  proves(
    "MeshSettings",
    ["ingressService"],
    "without a selector the Service's name tells which gateways serve Ingresses",
    async () => {
      expect(await get(SERVICE, "istio.test")).toBe(200);
      expect(await get(SERVICE, "none.test")).toBe(404);
    },
  );

  proves("MeshSettings", ["ingressControllerMode=OFF"], "no Ingress is served", async () => {
    expect(await get(USUAL, "istio.test")).toBeUndefined();
  });
});
