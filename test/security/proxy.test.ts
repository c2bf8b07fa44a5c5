/** Attacks on proxies: from outside at a gateway, from a workload with a sidecar, and from one without, by real Envoys. */
import type { ConnectionOptions } from "node:tls";
import { connect as connectHttp2 } from "node:http2";
import { exportPrivateKey, generateKeyPair, issueLeaf, openAuthority } from "@heddle/pki";
import { beforeAll, describe } from "vitest";
import { greeting } from "../harness/bytes.ts";
import { certificateSecret, createAuthority, type Leaf } from "../harness/certificates.ts";
import { envoyBinary } from "../harness/envoy-process.ts";
import { startedMesh } from "../harness/mesh.ts";
import {
  authorizationPolicy,
  gateway,
  peerAuthentication,
  requestAuthentication,
  service,
  virtualService,
} from "../harness/objects.ts";
import { type Answer, ask } from "../harness/request.ts";
import { createIssuerKey, keySet } from "../harness/token-issuer.ts";
import { attack } from "./attack.ts";

const ADDRESS = {
  web: "127.251.0.1",
  vault: "127.251.0.2",
  open: "127.251.0.3",
  edge: "127.251.0.9",
} as const;
const COLLECTOR = "127.251.2.1";
const PORT = 9080;
/** Where `open` lets in by what is allowed, and by what is not denied. */
const ALLOWING = 9081;
const DENYING = 9082;
const PLAIN = 8080;
const SECURE = 8443;
const ISSUER = "https://issuer.test";

const only = (app: string) => ({ selector: { matchLabels: { app } } });
const https = (name: string, hosts: string[], mode: "SIMPLE" | "MUTUAL") => ({
  port: { number: SECURE, name, protocol: "HTTPS" as const },
  hosts,
  tls: { mode, credentialName: "edge" },
});
const to = (host: string, port = PORT) => ({
  route: [{ destination: { host, port: { number: port } } }],
});

describe.skipIf(!envoyBinary)("an attacker", async () => {
  const [authority, strangers] = [await createAuthority(), await createAuthority("another mesh")];
  const issuer = await createIssuerKey(ISSUER, "a");
  const mesh = startedMesh({
    authority: Promise.resolve(authority),
    collector: COLLECTOR,
    workloads: {
      web: { address: ADDRESS.web },
      vault: { address: ADDRESS.vault, ports: [PORT] },
      open: { address: ADDRESS.open, ports: [PORT, ALLOWING, DENYING] },
      edge: {
        address: ADDRESS.edge,
        type: "router",
        labels: { app: "edge" },
        secrets: async (own) => [
          certificateSecret("kubernetes://default/edge", await own.issue("*.test")),
          {
            name: "kubernetes://default/edge-cacert",
            validationContext: { trustedCa: { inlineString: own.certificate } },
          },
        ],
      },
    },
    objects: [
      ...service("vault", [{ name: "http", port: PORT }], [ADDRESS.vault]),
      ...service(
        "open",
        [
          { name: "http", port: PORT },
          { name: "http-allowing", port: ALLOWING },
          { name: "http-denying", port: DENYING },
        ],
        [ADDRESS.open],
      ),
      peerAuthentication("vault", { ...only("vault"), mtls: { mode: "STRICT" } }),
      authorizationPolicy("vault", {
        ...only("vault"),
        rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/web"] } }] }],
      }),
      authorizationPolicy("open", {
        ...only("open"),
        rules: [
          { to: [{ operation: { ports: [String(PORT), String(DENYING)] } }] },
          { to: [{ operation: { ports: [String(ALLOWING)], paths: ["/public/*"] } }] },
        ],
      }),
      authorizationPolicy("secret", {
        ...only("open"),
        action: "DENY",
        rules: [
          { to: [{ operation: { ports: [String(DENYING)], paths: ["/secret", "/secret/*"] } }] },
          { to: [{ operation: { ports: [String(PORT)], paths: ["/smuggled"] } }] },
        ],
      }),
      authorizationPolicy("edge", {
        ...only("edge"),
        action: "DENY",
        rules: [
          { to: [{ operation: { hosts: ["admin.test", "admin.test:*"] } }] },
          { to: [{ operation: { paths: ["/secret", "/secret/*"] } }] },
          {
            from: [{ source: { notRemoteIpBlocks: ["10.0.0.0/8"] } }],
            to: [{ operation: { paths: ["/inside"] } }],
          },
          { to: [{ operation: { paths: ["/smuggled"] } }] },
        ],
      }),
      requestAuthentication("tokens", {
        ...only("open"),
        jwtRules: [
          {
            issuer: ISSUER,
            jwks: JSON.stringify(keySet(issuer)),
            outputClaimToHeaders: [{ header: "x-user", claim: "sub" }],
          },
        ],
      }),
      gateway("edge", {
        selector: { app: "edge" },
        servers: [
          { port: { number: PLAIN, name: "http", protocol: "HTTP" }, hosts: ["*"] },
          https("open", ["open.test"], "SIMPLE"),
          https("mutual", ["mutual.test"], "MUTUAL"),
          https("own", ["./own.test"], "SIMPLE"),
          https("wild", ["*.wild.test"], "SIMPLE"),
          https("deep", ["deep.wild.test"], "MUTUAL"),
        ],
      }),
      virtualService("plain", { hosts: ["web.test", "*"], gateways: ["edge"], http: [to("open")] }),
      virtualService(
        "stolen",
        {
          hosts: ["own.test"],
          gateways: ["default/edge"],
          http: [{ directResponse: { status: 299 } }],
        },
        "evil",
      ),
      ...["mutual.test", "deep.wild.test"].map((host) =>
        virtualService(host, { hosts: [host], gateways: ["edge"], http: [to("open")] }),
      ),
    ],
  });
  /** What the application of `open` was asked by an attempt, whose requests all carry its tag. */
  const askedBy = (tag: string) =>
    mesh
      .applications("open")
      .flatMap(({ requests }) => requests)
      .filter(({ headers }) => headers["x-attack"] === tag);
  let attempts = 0;
  const newTag = () => String(++attempts);
  const atEdge = (headers: Record<string, string>, host = "web.test", path = "/") =>
    ask(ADDRESS.edge, PLAIN, host, path, { headers });
  const atOpen = (headers: Record<string, string>) =>
    ask(ADDRESS.open, PORT, "open", "/", { headers });
  /** What the application sees of a header: `nothing`, or its value. */
  const sees = async (name: string, answer: Promise<Answer>) => {
    const { status, echo } = await answer;
    return status === 200 ? (echo().headers[name] ?? "nothing") : String(status);
  };
  /** The statuses of what comes back on a connection, `refused` where nothing does. */
  const says = (host: string, port: number, say: string, tls?: ConnectionOptions) =>
    greeting(host, port, { say, ...(tls ? { secure: true, ...tls } : {}) }).then(
      ({ text }) =>
        [...text.matchAll(/HTTP\/1\.[01] (\d+)/g)].map(([, code]) => code).join(" ") || "refused",
      () => "refused",
    );

  describe("as another peer", () => {
    const xfcc = "x-forwarded-client-cert";
    const root =
      "By=spiffe://cluster.local/ns/default/sa/open;URI=spiffe://cluster.local/ns/default/sa/root";
    const who = async (answer: Promise<Answer>) => {
      const value = await sees(xfcc, answer);
      return value.includes("root") ? value : (/URI=[^;,]*\/sa\/(\w+)/.exec(value)?.[1] ?? value);
    };
    attack(
      "says so in XFCC from outside",
      { wants: "to be root behind the gateway", gets: "edge" },
      () => who(atEdge({ [xfcc]: root })),
    );
    attack("says so in XFCC through a sidecar", { wants: "to be root", gets: "web" }, () =>
      who(mesh.get("web", `open.default:${PORT}`, "/", { headers: { [xfcc]: root } })),
    );
    attack("says so in XFCC in plaintext", { wants: "to be root", gets: "nothing" }, () =>
      who(atOpen({ [xfcc]: root })),
    );
    const peer = "x-heddle-peer-metadata";
    /** `app: root`, as a google.protobuf.Value of a Struct would have it. */
    const forged = Buffer.from("0a130a030a0161120c1a0a726f6f742d726f6f74", "hex").toString(
      "base64",
    );
    attack(
      "says so in peer metadata from outside",
      { wants: "telemetry of root", gets: "nothing" },
      () => sees(peer, atEdge({ [peer]: forged })),
    );
    attack(
      "says so in peer metadata through a sidecar",
      { wants: "telemetry of root", gets: "nothing" },
      () =>
        sees(peer, mesh.get("web", `open.default:${PORT}`, "/", { headers: { [peer]: forged } })),
    );
    attack(
      "says so in peer metadata in plaintext",
      { wants: "telemetry of root", gets: "nothing" },
      () => sees(peer, atOpen({ [peer]: forged })),
    );
    attack(
      "copies the peer metadata of another",
      { wants: "telemetry of web", gets: "unknown" },
      async () => {
        await atOpen({ [peer]: forged, "x-request-id": "copied" });
        const path = "/copied";
        await ask(ADDRESS.open, PORT, "open", path, { headers: { [peer]: forged } });
        for (let tries = 0; tries < 100; tries++) {
          const found = mesh
            .collector()
            .logs.find(
              ({ attributes }) =>
                Object.values(attributes).includes(path) &&
                attributes["heddle.reporter"] === "destination",
            );
          if (found) return String(found.attributes["source.workload"] ?? "unknown");
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return "no log";
      },
    );
    attack(
      "writes a token's claim himself, through the gateway",
      { wants: "to be a user", gets: "nothing" },
      () => sees("x-user", atEdge({ "x-user": "root" })),
    );
    attack(
      "writes a token's claim himself, through a sidecar",
      { wants: "to be a user", gets: "nothing" },
      () =>
        sees(
          "x-user",
          mesh.get("web", `open.default:${PORT}`, "/", { headers: { "X-User": "root" } }),
        ),
    );
    attack(
      "writes a token's claim beside a good token",
      { wants: "to be another user", gets: "somebody" },
      async () =>
        sees(
          "x-user",
          atOpen({ "x-user": "root", authorization: `Bearer ${await issuer.sign()}` }),
        ),
    );
    attack(
      "writes a header that passes for another, at the gateway",
      { wants: "to be a user behind a CGI", gets: "400" },
      () => sees("x_user", atEdge({ x_user: "root" })),
    );
    attack(
      "says where he comes from, at the gateway",
      { wants: "what addresses inside are let in to", gets: "403" },
      async () => {
        const headers = { "x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.1" };
        return String((await atEdge(headers, "web.test", "/inside")).status);
      },
    );
  });

  describe("as the proxy itself", () => {
    for (const [name, value] of [
      ["x-envoy-original-path", "/secret"],
      ["x-envoy-decorator-operation", "root"],
      ["x-envoy-upstream-rq-timeout-ms", "1"],
      ["x-envoy-retry-on", "5xx"],
      ["x-envoy-max-retries", "1000"],
      ["x-envoy-force-trace", "1"],
      ["x-envoy-downstream-service-cluster", "root"],
    ] as const)
      attack(
        `sends ${name} at the gateway`,
        { wants: "what only a proxy may ask for", gets: "nothing" },
        () => sees(name, atEdge({ [name]: value, "x-forwarded-for": "203.0.113.9" })),
      );
  });

  describe.concurrent("by a path", () => {
    /** `let in` where the application is asked for what it must not be asked for. */
    const outcome = async (path: string, host: string, port: number) => {
      const tag = newTag();
      const headers = `host: open\r\nx-attack: ${tag}\r\nconnection: close\r\n\r\n`;
      const status = await says(host, port, `GET ${path} HTTP/1.1\r\n${headers}`);
      const [asked] = askedBy(tag);
      return asked ? (isSecret(asked.url) ? "let in" : `other: ${asked.url}`) : status;
    };
    const isSecret = (url: string) => /^\/secret(?:[/?#]|$)/.test(url);
    const wants = "what is at /secret";
    for (const [path, gets] of Object.entries({
      "/secret": "403",
      "/secret?": "403",
      "/secret/": "403",
      "/%73ecret": "403",
      "/%73%65%63%72%65%74": "403",
      "/./secret": "403",
      "/a/../secret": "403",
      "/a/%2e%2e/secret": "403",
      "/%2e/secret": "403",
      "/secret?a=/public/": "403",
      "http://open/secret": "403",
      "http://open/a/../secret": "403",
      "/a\\..\\secret": "403",
      "/\\secret": "other: //secret",
      "//secret": "other: //secret",
      "/%2fsecret": "other: /%2fsecret",
      "/SECRET": "other: /SECRET",
      "/secret;a=b": "other: /secret;a=b",
      "/..;/secret": "403",
      "/%2573ecret": "other: /%2573ecret",
      "/secret%00": "400",
      "/secret%20": "other: /secret%20",
      "/secret#": "400",
      "/secret#a": "400",
      secret: "400",
      "*": "400",
    }))
      attack(`${path}, that is denied`, { wants, gets }, () =>
        outcome(path, ADDRESS.open, DENYING),
      );

    for (const [path, gets] of Object.entries({
      "/secret": "403",
      "/public": "403",
      "/public/../secret": "403",
      "/public/%2e%2e/secret": "403",
      "/public/%2E%2E/secret": "403",
      "/public/./../secret": "403",
      "/public\\..\\secret": "403",
      "/PUBLIC/../secret": "403",
      "/../secret": "403",
      "//public/../secret": "403",
      "/secret?/public/": "403",
      "/secret#/public/": "400",
      "/secret;/public/": "403",
      "http://open/secret?/public/a": "403",
      // What it has left is for the application to read as it is.
      "/public/..;/secret": "403",
      "/public/%252e%252e/secret": "other: /public/%252e%252e/secret",
    }))
      attack(`${path}, that is not allowed`, { wants, gets }, () =>
        outcome(path, ADDRESS.open, ALLOWING),
      );

    for (const [path, gets] of Object.entries({
      "//secret": "403",
      "/a//..//secret": "other: /a/secret",
      "/%73ecret": "403",
      "/a/..%2fsecret": "307",
      "/%2fsecret": "307",
      "/a%5c..%5csecret": "307",
    }))
      attack(`${path}, at the gateway`, { wants, gets }, () => outcome(path, ADDRESS.edge, PLAIN));
  });

  describe("by a host", () => {
    const wants = "a host that is denied to all";
    for (const host of [
      "admin.test",
      "ADMIN.test",
      "admin.test:8080",
      "admin.test:9999",
      "Admin.Test:443",
      "admin.test.",
      "admin.test.:80",
    ])
      attack(`${host}, at the gateway`, { wants, gets: "403" }, async () =>
        String((await atEdge({}, host)).status),
      );
    attack("of the address, which the header denies", { wants, gets: "403" }, () =>
      says(
        ADDRESS.edge,
        PLAIN,
        "GET http://admin.test/ HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\n\r\n",
      ),
    );
    attack("of two headers", { wants, gets: "web.test,admin.test" }, async () => {
      const tag = newTag();
      const hosts = "host: web.test\r\nhost: admin.test\r\n";
      const headers = `${hosts}x-attack: ${tag}\r\nconnection: close\r\n\r\n`;
      await says(ADDRESS.edge, PLAIN, `GET / HTTP/1.1\r\n${headers}`);
      // One that nobody serves.
      return askedBy(tag)[0]?.headers["host"] ?? "nothing asked";
    });
  });

  describe("by TLS for one host", () => {
    const through = (servername: string, host: string) =>
      ask(ADDRESS.edge, SECURE, host, "/", {
        ...{ secure: true, rejectUnauthorized: false },
        ...(servername ? { servername } : {}),
      }).then(
        ({ status }) => String(status),
        () => "refused",
      );
    const wants = "a host that asks for certificates, without one";
    attack("asks for another that wants certificates", { wants, gets: "404" }, () =>
      through("open.test", "mutual.test"),
    );
    attack("asks for another, with a port", { wants, gets: "404" }, () =>
      through("open.test", "mutual.test:8443"),
    );
    attack("asks for another, in capitals", { wants, gets: "404" }, () =>
      through("open.test", "MUTUAL.TEST"),
    );
    attack("asks for another, with a dot", { wants, gets: "404" }, () =>
      through("open.test", "mutual.test."),
    );
    attack(
      "asks beneath its wildcard for one with a server of its own",
      { wants, gets: "421" },
      () => through("any.wild.test", "deep.wild.test"),
    );
    attack(
      "asks for the gateway's other ports' host",
      { wants: "a host without TLS by TLS", gets: "404" },
      () => through("open.test", "web.test"),
    );
    attack(
      "is answered by rules of another namespace, which the server does not take",
      { wants: "the requests of a host of another's", gets: "200" },
      () => through("own.test", "own.test"),
    );
    attack("without saying for which", { wants, gets: "refused" }, () =>
      through("", "mutual.test"),
    );
    attack("in capitals, that wants certificates", { wants, gets: "refused" }, () =>
      through("MUTUAL.test", "mutual.test"),
    );
    attack("of a host that there is not", { wants, gets: "refused" }, () =>
      through("none.test", "mutual.test"),
    );
    /** Over HTTP/2, by a connection for `open.test`. */
    const again = async (authority: string, path = "/") => {
      const session = connectHttp2(`https://${ADDRESS.edge}:${SECURE}`, {
        ...{ servername: "open.test", rejectUnauthorized: false },
      });
      try {
        return await new Promise<string>((resolve) => {
          session.on("error", () => resolve("refused"));
          const stream = session.request({ ":authority": authority, ":path": path });
          stream.on("response", (headers) => resolve(String(headers[":status"])));
          stream.on("error", () => resolve("refused"));
          stream.on("close", () => resolve("refused"));
          stream.resume();
        });
      } finally {
        session.destroy();
      }
    };
    attack("uses its HTTP/2 connection for another", { wants, gets: "404" }, () =>
      again("mutual.test"),
    );
    attack("uses its HTTP/2 connection for a host that is denied", { wants, gets: "403" }, () =>
      again("ADMIN.test:443"),
    );
    for (const [path, gets] of Object.entries({
      "/a/../secret": "403",
      "//%73ecret": "403",
      "/secret#a": "400",
      secret: "refused",
    }))
      attack(`asks over HTTP/2 for ${path}`, { wants: "what is at /secret", gets }, () =>
        again("open.test", path),
      );
  });

  describe.concurrent("with two requests in one", () => {
    const texts = (
      tag: string,
    ): Readonly<Record<string, readonly [text: string, gets: string]>> => {
      const headers = `host: web.test\r\nx-attack: ${tag}\r\n`;
      const smuggled = `GET /smuggled HTTP/1.1\r\n${headers}connection: close\r\n\r\n`;
      const start = `POST /sent HTTP/1.1\r\n${headers}`;
      return {
        "by length and chunks": [
          `${start}content-length: ${smuggled.length + 5}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
          "400",
        ],
        "by two lengths": [
          `${start}content-length: 0\r\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`,
          "400",
        ],
        "by two lengths in one": [
          `${start}content-length: 0, ${smuggled.length}\r\n\r\n${smuggled}`,
          "400",
        ],
        "by a length that is none": [`${start}content-length: +0\r\n\r\n${smuggled}`, "400"],
        "by a negative length": [`${start}content-length: -1\r\n\r\n${smuggled}`, "400"],
        "by chunks of another name": [
          `${start}transfer-encoding: xchunked\r\ncontent-length: 0\r\n\r\n${smuggled}`,
          "400",
        ],
        "by chunks twice": [
          `${start}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n${smuggled}`,
          "501",
        ],
        "by chunks, then as they are": [
          `${start}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
          "501",
        ],
        "by a space before a colon": [
          `${start}transfer-encoding : chunked\r\ncontent-length: 0\r\n\r\n${smuggled}`,
          "400",
        ],
        // What is read in one way of several is written anew, and what follows is judged.
        "by a header that goes on": [
          `${start}x: a\r\n content-length: ${smuggled.length}\r\n\r\n${smuggled}`,
          "200 403",
        ],
        "by a header that begins with a space": [
          `POST /sent HTTP/1.1\r\n host: web.test\r\ncontent-length: 0\r\n\r\n${smuggled}`,
          "400",
        ],
        "by a bare carriage return": [
          `${start}x: a\rtransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n${smuggled}`,
          "200 403",
        ],
        "by a NUL": [`${start}x: a\0b\r\ncontent-length: 0\r\n\r\n`, "400"],
        "by a name of no header": [`${start}x(y): a\r\ncontent-length: 0\r\n\r\n`, "400"],
        "by a chunk whose length is none": [
          `${start}transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n${smuggled}`,
          "400",
        ],
        "by a chunk too long for a number": [
          `${start}transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n\r\n${smuggled}`,
          "400",
        ],
        "by a chunk longer than it says": [
          `${start}transfer-encoding: chunked\r\n\r\n1\r\naa\r\n0\r\n\r\n${smuggled}`,
          "200 403",
        ],
        "by a second request in the first line": [
          `GET /sent HTTP/1.1 GET /smuggled HTTP/1.1\r\nhost: web.test\r\n\r\n`,
          "400",
        ],
        "without a host": ["GET /sent HTTP/1.1\r\n\r\n", "400"],
        "by headers of 70 KiB": [`${start}x: ${"a".repeat(70 * 1024)}\r\n\r\n`, "431"],
        "by 200 headers": [
          `${start}${Array.from({ length: 200 }, (_, index) => `x-${index}: a\r\n`).join("")}\r\n`,
          "431",
        ],
        "by a URL of 70 KiB": [
          `GET /${"a".repeat(70 * 1024)} HTTP/1.1\r\nhost: web.test\r\n\r\n`,
          "431",
        ],
      };
    };
    const wants = "a request that nobody has judged";
    for (const [place, host, port] of [
      ["at the gateway", ADDRESS.edge, PLAIN],
      ["at a sidecar", ADDRESS.open, PORT],
    ] as const)
      for (const [name, [, gets]] of Object.entries(texts("")))
        attack(`${name}, ${place}`, { wants, gets }, async () => {
          const tag = newTag();
          const status = await says(host, port, texts(tag)[name]?.[0] ?? "");
          return askedBy(tag).some(({ url }) => url === "/smuggled") ? "smuggled" : status;
        });
  });

  describe.concurrent("with a certificate", () => {
    const NAME = "spiffe://cluster.local/ns/default/sa/web";
    const leaves: Record<string, Leaf> = {};
    beforeAll(async () => {
      leaves["root's"] = await authority.issue("spiffe://cluster.local/ns/default/sa/root");
      leaves["of the same name from another mesh"] = await strangers.issue(NAME);
      leaves["that has expired"] = await authority.issue(NAME, "ecdsa", {
        notAfter: new Date(Date.now() - 60_000),
      });
      leaves["of another trust domain"] = await authority.issue(
        "spiffe://elsewhere/ns/default/sa/web",
      );
      leaves["of a trust domain that begins alike"] = await authority.issue(
        "spiffe://cluster.local.evil/ns/default/sa/web",
      );
      leaves["of a trust domain in capitals"] = await authority.issue(
        "spiffe://CLUSTER.local/ns/default/sa/web",
      );
      leaves["of an account that begins alike"] = await authority.issue(`${NAME}-evil`);
      leaves["of a path that goes on"] = await authority.issue(`${NAME}/sa/web`);
      leaves["of a host with that name"] = await authority.issue("web.default.svc.cluster.local");
      leaves["signed by a workload's"] = await beneath(await authority.issue(NAME));
    });
    const answers = (leaf: Leaf | undefined) =>
      says(
        ADDRESS.vault,
        PORT,
        "GET / HTTP/1.1\r\nhost: vault\r\nconnection: close\r\n\r\n",
        leaf && {
          ...{ cert: leaf.chain, key: leaf.key, ALPNProtocols: ["istio-http/1.1", "istio"] },
        },
      );
    const wants = "what web alone may ask for";
    for (const [name, gets] of Object.entries({
      "root's": "403",
      "of the same name from another mesh": "refused",
      "that has expired": "refused",
      "of another trust domain": "refused",
      "of a trust domain that begins alike": "refused",
      "of a trust domain in capitals": "refused",
      "of an account that begins alike": "403",
      "of a path that goes on": "403",
      "of a host with that name": "refused",
      "signed by a workload's": "refused",
    }))
      attack(name, { wants, gets }, () => answers(leaves[name]));
    attack("that is none, in TLS", { wants, gets: "refused" }, () =>
      says(ADDRESS.vault, PORT, "GET / HTTP/1.1\r\nhost: vault\r\nconnection: close\r\n\r\n", {
        ALPNProtocols: ["istio-http/1.1", "istio"],
      }),
    );
    attack("that is none, in plaintext", { wants, gets: "refused" }, () => answers(undefined));
    attack("of nobody, in plaintext with XFCC of web", { wants, gets: "refused" }, () =>
      says(
        ADDRESS.vault,
        PORT,
        `GET / HTTP/1.1\r\nhost: vault\r\nx-forwarded-client-cert: URI=${NAME}\r\nconnection: close\r\n\r\n`,
      ),
    );
  });
});

/** A certificate of root's that the key of a workload has signed, with the workload's behind it. */
async function beneath({ chain, key }: Leaf): Promise<Leaf> {
  const authority = await openAuthority("cluster.local", chain, key);
  const keys = await generateKeyPair();
  const leaf = await issueLeaf({ ...authority, chain }, keys.publicKey, {
    ...{ now: Date.now(), lifetime: 3_600_000 },
    spiffeId: "spiffe://cluster.local/ns/default/sa/web",
  });
  return { chain: leaf.chain, key: await exportPrivateKey(keys.privateKey) };
}
