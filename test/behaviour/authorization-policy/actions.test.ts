/** What AuthorizationPolicies do: let in, refuse, mark, and tell what they would do; for whom they are; and how logs name them. */
import { connect as connectPlainly, createServer, type Server } from "node:net";
import { connect as connectSecurely } from "node:tls";
import { ACCESS_LOG_ATTRIBUTES as ATTRIBUTE } from "@heddle/translate";
import { parseObject } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { listening } from "../../harness/application.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { authorizationPolicy, gateway, service, virtualService } from "../../harness/objects.ts";
import { logEntryOf } from "../../harness/otlp-collector.ts";
import { ask } from "../../harness/request.ts";
import { proves, refuses } from "../proves.ts";

const ADDRESS = {
  web: "127.223.0.1",
  caller: "127.223.0.2",
  vault: "127.223.0.3",
  shut: "127.223.0.4",
  open: "127.223.0.5",
  edge: "127.223.0.9",
} as const;
const PORT = 9080;
const TCP_PORT = 9090;
const OTHER_TCP_PORT = 9091;
/** Where the server speaks first. */
const GREETING_PORT = 9092;
const NEAR = "127.223.8.1";
const AWAY = "127.223.9.1";
const only = (app: string) => ({ selector: { matchLabels: { app } } });
const TRIED = { "istio.io/dry-run": "true" };
/** Without its ports, a denial by path would be one of all connections. */
const toPath = (path: string) => ({
  to: [{ operation: { paths: [path], ports: [String(PORT), "8080"] } }],
});
const EDGE = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" } as const;

const POLICIES = [
  // Nobody may do anything with `shut`, and everybody everything with `open`, but for what is said of all.
  authorizationPolicy("nothing", only("shut")),
  authorizationPolicy("everything", { ...only("open"), action: "ALLOW", rules: [{}] }),
  authorizationPolicy("mesh", { action: "DENY", rules: [toPath("/mesh")] }, "istio-system"),
  authorizationPolicy("namespace", { action: "DENY", rules: [toPath("/namespace")] }),
  authorizationPolicy("elsewhere", { action: "DENY", rules: [{}] }, "far"),
  authorizationPolicy("readers", {
    ...only("vault"),
    action: "ALLOW",
    rules: [
      {
        from: [{ source: { serviceAccounts: ["web"] } }],
        to: [{ operation: { methods: ["GET"] } }],
      },
      // Connections are let in by what they have; a rule that asks for more than that is none for them.
      {
        from: [{ source: { ipBlocks: ["127.223.8.0/24"] } }],
        to: [{ operation: { ports: [String(TCP_PORT)] } }],
      },
      { to: [{ operation: { ports: [String(TCP_PORT)], methods: ["GET"] } }] },
      {
        from: [{ source: { namespaces: ["far"] } }],
        to: [{ operation: { ports: [String(OTHER_TCP_PORT)] } }],
      },
    ],
  }),
  authorizationPolicy("secret", {
    ...only("vault"),
    action: "DENY",
    rules: [
      { ...toPath("/other"), when: [{ key: "destination.port", values: [String(PORT)] }] },
      { to: [{ operation: { ports: [String(PORT)], paths: ["/secret*"] } }] },
    ],
  }),
  authorizationPolicy("watched", {
    ...only("open"),
    action: "AUDIT",
    rules: [toPath("/watched")],
  }),
  authorizationPolicy(
    "tried-no",
    { ...only("open"), action: "DENY", rules: [toPath("/tried")] },
    "default",
    TRIED,
  ),
  authorizationPolicy(
    "tried-yes",
    { ...only("open"), rules: [toPath("/tried-yes")] },
    "default",
    TRIED,
  ),
  authorizationPolicy("edge", { targetRefs: [EDGE], action: "DENY", rules: [toPath("/at-edge")] }),
  authorizationPolicy("edge-old", {
    targetRef: EDGE,
    action: "DENY",
    rules: [toPath("/old-edge")],
  }),
  authorizationPolicy("edge-bytes", {
    targetRefs: [EDGE],
    action: "DENY",
    rules: [
      {
        from: [{ source: { ipBlocks: ["127.223.9.0/24"] } }],
        to: [{ operation: { ports: ["8090"] } }],
      },
    ],
  }),
  authorizationPolicy("other-edge", {
    targetRefs: [{ ...EDGE, name: "other" }],
    action: "DENY",
    rules: [{}],
  }),
];

describe.skipIf(!envoyBinary)("an AuthorizationPolicy", () => {
  const servers: Server[] = [];
  const heard: string[] = [];
  beforeAll(async () => {
    for (const port of [TCP_PORT, OTHER_TCP_PORT]) {
      const server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.pipe(socket);
      });
      await listening(server, "127.223.1.3", port);
      servers.push(server);
    }
    const greeting = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.write("welcome");
      socket.on("data", (chunk: Buffer) => heard.push(chunk.toString()));
    });
    await listening(greeting, "127.223.1.3", GREETING_PORT);
    servers.push(greeting);
  });
  afterAll(() => {
    for (const server of servers) server.close();
  });

  const mesh = startedMesh({
    collector: "127.223.2.1",
    workloads: {
      web: { address: ADDRESS.web },
      caller: { address: ADDRESS.caller, namespace: "far" },
      vault: { address: ADDRESS.vault, ports: [PORT] },
      shut: { address: ADDRESS.shut, ports: [PORT] },
      open: { address: ADDRESS.open, ports: [PORT] },
      edge: {
        address: ADDRESS.edge,
        type: "router",
        labels: { app: "edge", "gateway.networking.k8s.io/gateway-name": "edge" },
      },
    },
    objects: [
      ...service(
        "vault",
        [
          { name: "http", port: PORT },
          { name: "tcp", port: TCP_PORT },
          { name: "tcp-other", port: OTHER_TCP_PORT },
          { name: "tcp-greeting", port: GREETING_PORT },
        ],
        [ADDRESS.vault],
      ),
      ...service("shut", [{ name: "http", port: PORT }], [ADDRESS.shut]),
      ...service("open", [{ name: "http", port: PORT }], [ADDRESS.open]),
      gateway("edge", {
        selector: { app: "edge" },
        servers: [
          { port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] },
          { port: { number: 8090, name: "tcp", protocol: "TCP" }, hosts: ["*"] },
        ],
      }),
      virtualService("edge", {
        hosts: ["*"],
        gateways: ["edge"],
        http: [{ route: [{ destination: { host: "open" } }] }],
        tcp: [
          {
            match: [{ port: 8090 }],
            route: [{ destination: { host: "open", port: { number: PORT } } }],
          },
        ],
      }),
      ...POLICIES,
    ],
  });

  const status = async (from: "web" | "caller", host: string, path = "/", method = "GET") =>
    (await mesh.get(from, `${host}.default:${PORT}`, path, { method })).status;
  /** Whether what is sent comes back. */
  const connects = async (port: number, localAddress: string, identity?: string) => {
    const leaf = identity === undefined ? undefined : await mesh.authority().issue(identity);
    const to = { host: ADDRESS.vault, port, localAddress };
    const securely = leaf && {
      ...{ cert: leaf.chain, key: leaf.key, rejectUnauthorized: false },
      ALPNProtocols: ["istio"],
    };
    return new Promise<boolean>((resolve) => {
      const socket = securely ? connectSecurely({ ...to, ...securely }) : connectPlainly(to);
      socket.once(securely ? "secureConnect" : "connect", () => void socket.write("hello"));
      socket.once("data", () => (resolve(true), socket.destroy()));
      socket.once("close", () => resolve(false));
      socket.once("error", () => resolve(false));
    });
  };
  /** What the destination's proxy has written of requests to a path, as the plane keeps it. */
  const logged = async (path: string, count = 1) => {
    const found = () =>
      mesh
        .collector()
        .logs.filter(
          ({ attributes }) =>
            attributes[ATTRIBUTE.path] === path && attributes[ATTRIBUTE.reporter] === "destination",
        );
    await expect.poll(() => found().length, { timeout: 10_000 }).toBe(count);
    return found().map(logEntryOf);
  };

  proves(
    "AuthorizationPolicy",
    ["action={ALLOW,DENY}", "selector.matchLabels"],
    "ALLOW lets in what it names and nothing else; DENY goes before it; without rules nothing is let in, and by {} everything",
    async () => {
      expect(await status("web", "vault")).toBe(200);
      expect(await status("web", "vault", "/", "POST")).toBe(403);
      expect(await status("caller", "vault")).toBe(403);
      expect(await status("web", "vault", "/secrets")).toBe(403);
      expect([await status("web", "shut"), await status("caller", "shut")]).toEqual([403, 403]);
      expect([await status("web", "open"), await status("caller", "open")]).toEqual([200, 200]);
      const mute = await mesh.get("web", `vault.default:${PORT}`, "/secrets");
      expect(mute.body).toBe("RBAC: access denied");
      expect(JSON.stringify(mute.headers)).not.toContain("secret");
    },
  );

  proves(
    "AuthorizationPolicy",
    ["selector.matchLabels"],
    "counts for the mesh in the root namespace, for its own namespace, or for the workloads that it selects",
    async () => {
      for (const path of ["/mesh", "/namespace"])
        expect(await status("web", "open", path)).toBe(403);
      expect(await status("web", "open", "/secrets")).toBe(200);
    },
  );

  proves(
    "AuthorizationPolicy",
    ["rules[].to[].operation.ports", "rules[].from[].source.{ipBlocks,namespaces}"],
    "lets in connections by port, address and certificate; a rule for requests is none for them",
    async () => {
      expect(await connects(TCP_PORT, NEAR)).toBe(true);
      expect(await connects(TCP_PORT, AWAY)).toBe(false);
      const far = "spiffe://cluster.local/ns/far/sa/caller";
      expect(await connects(OTHER_TCP_PORT, AWAY, far)).toBe(true);
      expect(await connects(OTHER_TCP_PORT, AWAY, "spiffe://cluster.local/ns/default/sa/web")).toBe(
        false,
      );
      expect(await connects(OTHER_TCP_PORT, AWAY)).toBe(false);
    },
  );

  test("a connection is judged by its client's first byte: a greeting is seen, and what the client says is not heard", async () => {
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      const socket = connectPlainly({
        host: ADDRESS.vault,
        port: GREETING_PORT,
        localAddress: AWAY,
      });
      socket.on("data", (chunk: Buffer) => {
        seen.push(chunk.toString());
        socket.write("let me in");
      });
      socket.on("error", () => resolve());
      socket.on("close", () => resolve());
    });
    expect([seen, heard]).toEqual([["welcome"], []]);
  });

  proves(
    "AuthorizationPolicy",
    ["targetRef.{group,name}", "targetRefs[].{group,name}"],
    "is for the gateway that it names, for requests and connections, and for no other",
    async () => {
      const edge = async (path: string) =>
        (await ask(ADDRESS.edge, 8080, "shop.test", path)).status;
      expect([await edge("/at-edge"), await edge("/old-edge"), await edge("/")]).toEqual([
        403, 403, 200,
      ]);
      expect(await status("web", "open", "/at-edge")).toBe(200);
      const bytes = (localAddress: string) =>
        ask(ADDRESS.edge, 8090, "shop.test", "/", { localAddress }).then(
          (answer) => answer.status,
          () => "closed",
        );
      expect([await bytes(NEAR), await bytes(AWAY)]).toEqual([200, "closed"]);
    },
  );

  refuses(
    "AuthorizationPolicy",
    ["targetRef.namespace", "targetRefs[].namespace"],
    "is for objects of its own namespace: another one cannot be named",
    () => {
      const target = { ...EDGE, namespace: "far" };
      for (const spec of [{ targetRef: target }, { targetRefs: [target] }]) {
        const { diagnostics } = parseObject(authorizationPolicy("far", spec));
        expect(diagnostics.map(({ code, level }) => [code, level])).toEqual([["HDL0032", "Error"]]);
      }
    },
  );

  proves(
    "AuthorizationPolicy",
    ["action=AUDIT"],
    "AUDIT refuses nothing, and marks in the log what it is for",
    async () => {
      expect([
        await status("web", "open", "/watched"),
        await status("web", "open", "/unwatched"),
      ]).toEqual([200, 200]);
      const [watched] = await logged("/watched");
      const [unwatched] = await logged("/unwatched");
      expect(watched?.attributes[ATTRIBUTE.audited]).toBe("true");
      expect(unwatched?.attributes[ATTRIBUTE.audited]).toBe("false");
    },
  );

  proves(
    "AuthorizationPolicy",
    ["action={ALLOW,DENY}"],
    "tried out by istio.io/dry-run refuses nothing, and tells in the log what it would do",
    async () => {
      expect([
        await status("web", "open", "/tried"),
        await status("web", "open", "/tried-yes"),
      ]).toEqual([200, 200]);
      const [no] = await logged("/tried");
      expect(no?.attributes).toMatchObject({
        [ATTRIBUTE.dryRunDeny]: "denied",
        [ATTRIBUTE.dryRunDenyRule]: "default/tried-no rule 0",
        [ATTRIBUTE.dryRunAllow]: "denied",
      });
      const [yes] = await logged("/tried-yes");
      expect(yes?.attributes).toMatchObject({
        [ATTRIBUTE.dryRunDeny]: "allowed",
        [ATTRIBUTE.dryRunAllow]: "allowed",
        [ATTRIBUTE.dryRunAllowRule]: "default/tried-yes rule 0",
      });
    },
  );

  proves(
    "AuthorizationPolicy",
    ["action={ALLOW,DENY}"],
    "is named in the log of what it refused, requests and connections, with the rule; or those of which none let it in",
    async () => {
      expect(await status("web", "vault", "/secret-of-log")).toBe(403);
      expect(await status("caller", "vault", "/let-in-by-none")).toBe(403);
      expect(await status("web", "vault", "/let-in")).toBe(200);
      const [denied] = await logged("/secret-of-log");
      expect(denied?.attributes).toMatchObject({
        "heddle.authorization.decision": "denied by a policy",
        "heddle.authorization.policy": "default/secret",
        "heddle.authorization.rule": 1,
      });
      const [none] = await logged("/let-in-by-none");
      expect(none?.attributes).toMatchObject({
        "heddle.authorization.decision": "allowed by no policy",
        "heddle.authorization.policy": "default/readers",
      });
      const [allowed] = await logged("/let-in");
      expect(allowed?.attributes).not.toHaveProperty("heddle.authorization.decision");
      expect(await connects(TCP_PORT, AWAY)).toBe(false);
      const connections = () =>
        mesh
          .collector()
          .logs.map(logEntryOf)
          .filter(
            ({ attributes }) =>
              attributes["heddle.authorization.policy"] !== undefined &&
              attributes[ATTRIBUTE.downstreamLocalAddress] === `${ADDRESS.vault}:${TCP_PORT}`,
          );
      await expect.poll(() => connections().length, { timeout: 10_000 }).toBeGreaterThan(0);
      expect(connections()[0]?.attributes).toMatchObject({
        "heddle.authorization.decision": "allowed by no policy",
        "heddle.authorization.policy": "default/readers",
      });
    },
  );
});
