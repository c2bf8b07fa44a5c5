/** Whom a Gateway lets in by their certificates, and whom it trusts behind it, by requests through a real Envoy. */
import { createServer as createPlainServer, type Server as PlainServer } from "node:http";
import { createServer, type Server } from "node:https";
import type { TLSSocket } from "node:tls";
import type { GatewayApi, MeshObject } from "@heddle/model";
import { SYSTEM_ROOTS_SECRET } from "@heddle/translate";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { closed, listening } from "../../harness/application.ts";
import { certificateSecret, createAuthority, type Leaf } from "../../harness/certificates.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gatewayApi, object, service } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const EDGE = "127.95.0.1";
const BACKEND = "127.95.0.2";
const GATEWAY = "gateway.networking.k8s.io/Gateway";
const HTTPS = 8443;
/** Asked of by port. */
const PORT_OF_CASE = 8500;

const [authority, others] = [await createAuthority(), await createAuthority("others")];
const [edge, alice, stranger, backend] = (await Promise.all([
  authority.issue("edge.test"),
  authority.issue("alice.test"),
  others.issue("alice.test"),
  authority.issue("secure.test"),
])) as [Leaf, Leaf, Leaf, Leaf];

const bundle = (kind: "ConfigMap" | "Secret", name: string, pem: string, namespace?: string) =>
  object(
    "v1",
    kind,
    name,
    { data: { "ca.crt": kind === "Secret" ? btoa(pem) : pem } },
    namespace ?? "default",
  );

/** What each Gateway asks of its clients. */
const VALIDATIONS: Readonly<Record<string, GatewayApi.FrontendValidation>> = {
  "config-map": { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "mixed" }] },
  // The Secret of that name holds the other authority.
  secret: { caCertificateRefs: [{ group: "", kind: "Secret", name: "mixed" }] },
  "other-name": { caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "others" }] },
  "wrong-group": {
    caCertificateRefs: [{ group: "example.com", kind: "ConfigMap", name: "mixed" }],
  },
  granted: {
    caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "granted", namespace: "vault" }],
  },
  hidden: {
    caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "hidden", namespace: "vault" }],
  },
  valid: {
    caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "mixed" }],
    mode: "AllowValidOnly",
  },
  insecure: {
    caCertificateRefs: [{ group: "", kind: "ConfigMap", name: "mixed" }],
    mode: "AllowInsecureFallback",
  },
};

/** One Gateway for each, all on the same proxy; what is asked by default, and the same by port. */
const gateways = Object.entries(VALIDATIONS).flatMap(([name, validation], index): MeshObject[] => {
  const listener = (hostname: string, port: number) => ({
    name: `${hostname.split(".")[1]}`,
    port,
    protocol: "HTTPS",
    hostname,
    tls: { certificateRefs: [{ name: "edge-cert" }] },
  });
  const port = PORT_OF_CASE + index;
  return [
    gatewayApi<GatewayApi.Gateway>("Gateway", name, {
      gatewayClassName: "heddle",
      addresses: [{ type: "Hostname", value: "edge.default.svc.cluster.local" }],
      listeners: [listener(`${name}.default.test`, HTTPS)],
      tls: { frontend: { default: { validation } } },
    }),
    gatewayApi<GatewayApi.Gateway>("Gateway", `${name}-port`, {
      gatewayClassName: "heddle",
      addresses: [{ type: "Hostname", value: "edge.default.svc.cluster.local" }],
      listeners: [listener(`${name}.port.test`, port)],
      tls: { frontend: { default: {}, perPort: [{ port, tls: { validation } }] } },
    }),
    gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", name, {
      parentRefs: [{ name }, { name: `${name}-port` }],
      rules: [{ filters: [{ type: "RequestRedirect", requestRedirect: { hostname: "let.in" } }] }],
    }),
  ];
});

const secured: Readonly<Record<string, GatewayApi.BackendTLSPolicy["validation"]>> = {
  system: { hostname: "secure.test", wellKnownCACertificates: "System" },
  unknown: { hostname: "secure.test", wellKnownCACertificates: "example.com/roots" },
  named: { hostname: "secure.test", caCertificateRefs: rootsOf("mixed") },
  misnamed: { hostname: "else.test", caCertificateRefs: rootsOf("mixed") },
  "alt-name": {
    hostname: "indication.test",
    caCertificateRefs: rootsOf("mixed"),
    subjectAltNames: [{ type: "Hostname", hostname: "secure.test" }],
  },
  "wrong-alt-name": {
    hostname: "secure.test",
    caCertificateRefs: rootsOf("mixed"),
    subjectAltNames: [{ type: "Hostname", hostname: "else.test" }],
  },
};
function rootsOf(name: string) {
  return [{ group: "", kind: "ConfigMap", name }];
}

const OBJECTS: readonly MeshObject[] = [
  ...service("edge", [{ name: "http", port: 8080 }], [EDGE]),
  object("v1", "Secret", "edge-cert", {
    data: { "tls.crt": btoa(edge.chain), "tls.key": btoa(edge.key) },
  }),
  bundle("ConfigMap", "mixed", authority.certificate),
  bundle("Secret", "mixed", others.certificate),
  bundle("ConfigMap", "others", others.certificate),
  bundle("ConfigMap", "granted", authority.certificate, "vault"),
  bundle("ConfigMap", "hidden", authority.certificate, "vault"),
  gatewayApi<GatewayApi.ReferenceGrant>(
    "ReferenceGrant",
    "bundles",
    {
      from: [{ group: "gateway.networking.k8s.io", kind: "Gateway", namespace: "default" }],
      to: [{ group: "", kind: "ConfigMap", name: "granted" }],
    },
    "vault",
  ),
  ...gateways,
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "heddle",
    listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
  }),
  ...Object.entries(secured).flatMap(([name, validation]) => [
    ...service(name, [{ name: "https", port: HTTPS }], [BACKEND]),
    gatewayApi<GatewayApi.BackendTLSPolicy>("BackendTLSPolicy", name, {
      targetRefs: [{ group: "", kind: "Service", name }],
      validation,
    }),
  ]),
  ...service(
    "two-ports",
    [
      { name: "secure", port: HTTPS },
      { name: "plain", port: 8080 },
    ],
    [BACKEND],
  ),
  gatewayApi<GatewayApi.BackendTLSPolicy>("BackendTLSPolicy", "two-ports", {
    targetRefs: [{ group: "", kind: "Service", name: "two-ports", sectionName: "secure" }],
    validation: { hostname: "secure.test", caCertificateRefs: rootsOf("mixed") },
  }),
  gatewayApi<GatewayApi.HTTPRoute>("HTTPRoute", "secured", {
    parentRefs: [{ name: "edge" }],
    rules: [
      ...Object.keys(secured).map((name) => ({
        matches: [{ path: { value: `/${name}` } }],
        backendRefs: [{ name, port: HTTPS }],
      })),
      ...[HTTPS, 8080].map((port) => ({
        matches: [{ path: { value: `/two-ports/${port}` } }],
        backendRefs: [{ name: "two-ports", port }],
      })),
    ],
  }),
];

describe.skipIf(!envoyBinary)("TLS of the Gateway API", () => {
  startedMesh({
    workloads: {
      edge: {
        address: EDGE,
        type: "router",
        labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
        secrets: async () => [
          certificateSecret("kubernetes://default/edge-cert", edge),
          {
            name: SYSTEM_ROOTS_SECRET,
            validationContext: { trustedCa: { inlineString: authority.certificate } },
          },
        ],
      },
    },
    objects: OBJECTS,
  });
  let secure: Server;
  let plain: PlainServer;
  beforeAll(async () => {
    secure = createServer({ cert: backend.chain, key: backend.key }, (request, response) =>
      response.end(String((request.socket as TLSSocket).servername)),
    );
    plain = createPlainServer((_request, response) => response.end("in the clear"));
    await listening(secure, BACKEND, HTTPS);
    await listening(plain, BACKEND, 8080);
  });
  afterAll(() => Promise.all([closed(secure), closed(plain)]));

  /** Whether a client is let in: without a certificate, as one of the authority's, as one of another's. */
  const letIn = async (hostname: string, port: number) => {
    const found: string[] = [];
    for (const [who, leaf] of [
      ["nobody", undefined],
      ["alice", alice],
      ["stranger", stranger],
    ] as const) {
      const status = await ask(EDGE, port, hostname, "/", {
        secure: true,
        rejectUnauthorized: false,
        servername: hostname,
        ...(leaf ? { cert: leaf.chain, key: leaf.key } : {}),
      }).then(
        (answer) => answer.status,
        () => "refused",
      );
      if (status === 302) found.push(who);
    }
    return found.join();
  };

  const EXPECTED: Readonly<Record<keyof typeof VALIDATIONS, string>> = {
    "config-map": "alice",
    secret: "stranger",
    "other-name": "stranger",
    "wrong-group": "",
    granted: "alice",
    hidden: "",
    valid: "alice",
    insecure: "nobody,alice,stranger",
  };
  for (const [at, where] of [
    ["default", "tls.frontend.default.validation"],
    ["port", "tls.frontend.perPort[].tls.validation"],
  ] as const) {
    proves(
      GATEWAY,
      [
        `${where}.caCertificateRefs[].{group,kind,namespace,name}`,
        `${where}.mode={AllowValidOnly,AllowInsecureFallback}`,
      ],
      `lets in clients whom the authorities vouch for, or everybody, ${at === "port" ? "on a port of its own" : "on every port"}`,
      async () => {
        const found: Record<string, string> = {};
        for (const [index, name] of Object.keys(VALIDATIONS).entries()) {
          const port = at === "port" ? PORT_OF_CASE + index : HTTPS;
          found[name] = await letIn(`${name}.${at}.test`, port);
        }
        expect(found).toEqual(EXPECTED);
      },
    );
  }

  /** The server name that the backend was asked for, or the status. */
  const behind = async (path: string) => {
    const { status, body } = await ask(EDGE, 8080, "any.test", path);
    return status === 200 ? body : status;
  };

  proves(
    "BackendTLSPolicy",
    ["targetRefs[].sectionName"],
    "speaks TLS to the port that it names, and to no other",
    async () => {
      expect(await behind(`/two-ports/${HTTPS}`)).toBe("secure.test");
      expect(await behind("/two-ports/8080")).toBe("in the clear");
    },
  );

  proves(
    "BackendTLSPolicy",
    [
      "validation.{wellKnownCACertificates,hostname}",
      "validation.subjectAltNames[].type=Hostname",
      "validation.subjectAltNames[].hostname",
    ],
    "asks for a server by its name, and trusts the system's authorities, or those it is told, for that name or others",
    async () => {
      expect(await behind("/system")).toBe("secure.test");
      expect(await behind("/unknown")).toBe(503);
      expect(await behind("/named")).toBe("secure.test");
      expect(await behind("/misnamed")).toBe(503);
      expect(await behind("/alt-name")).toBe("indication.test");
      expect(await behind("/wrong-alt-name")).toBe(503);
    },
  );
});
