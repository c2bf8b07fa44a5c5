/** Checks of requests: what is refused at a sidecar and at a gateway, what the caller is told, and how logs name it. */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { objectKey, parseObject, type RequestValidation } from "@heddle/model";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { createOpenApiService, type OpenApiService } from "../../../agent/src/openapi/index.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { gateway, requestValidation, service, virtualService } from "../../harness/objects.ts";
import { ask, type Asking } from "../../harness/request.ts";
import { proves, refuses } from "../proves.ts";

const PORT = 9080;
const COLLECTOR = "127.41.0.100";
/** The xDS ports of an agent, and of one that is away. */
const AGENT = { address: "127.41.0.21", port: 15010 };
const AWAY = { address: "127.41.0.22", port: 15010 };
const EDGES = {
  edge: { address: "127.41.0.9", gatewayName: "edge" },
  inner: { address: "127.41.0.10", gatewayName: "inner" },
};

const PETS = `
openapi: 3.1.0
info: {title: Pets, version: "1"}
paths:
  /pets:
    get:
      parameters: [{name: limit, in: query, schema: {type: integer, maximum: 100}}]
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [name], properties: {name: {type: string}}}
`;
const openapi = { document: PETS, timeout: "5s" };

/** Of the workloads that have one each, by their names. */
const VALIDATIONS: Readonly<Record<string, RequestValidation>> = {
  limited: {
    limits: { headers: 12, headerBytes: 2_000, urlBytes: 64, bodyBytes: 20 },
    rules: [
      { name: "upload", match: { path: { prefix: "/up/" } }, maxBodyBytes: 100 },
      { match: { path: { exact: "/exact" } }, methods: ["GET"] },
      { match: { path: { regex: "/re[0-9]+" } }, methods: ["GET"] },
      { match: { path: { prefix: "/m/exact" }, method: { exact: "DELETE" } }, methods: ["GET"] },
      { match: { path: { prefix: "/m/prefix" }, method: { prefix: "DEL" } }, methods: ["GET"] },
      { match: { path: { prefix: "/m/regex" }, method: { regex: "DEL.*" } }, methods: ["GET"] },
      {
        match: { path: { prefix: "/json" } },
        methods: ["GET", "POST"],
        contentTypes: ["application/json"],
      },
      { match: { path: { prefix: "/images" } }, contentTypes: ["image/*"] },
    ],
  },
  roomy: { mode: "ENFORCE", limits: { headers: 200, headerBytes: 100_000 } },
  reported: {
    mode: "REPORT",
    limits: { urlBytes: 64 },
    rules: [{ methods: ["GET", "POST"] }],
    openapi,
  },
  merging: { paths: { mergeSlashes: true, escapedSlashes: "DECODE" } },
  keeping: { paths: { mergeSlashes: false, escapedSlashes: "KEEP" } },
  leading: { paths: { escapedSlashes: "REDIRECT" } },
  refusing: { paths: { escapedSlashes: "REFUSE" } },
  described: { openapi: { ...openapi, maxBodyBytes: 40 } },
  hurried: { openapi: { ...openapi, timeout: "1ms", onFailure: "ALLOW" } },
  closed: { openapi: { ...openapi, onFailure: "DENY" } },
  open: { openapi: { ...openapi, onFailure: "ALLOW" } },
};
const NAMES = ["free", ...Object.keys(VALIDATIONS)];
const AGENTS: Readonly<Record<string, typeof AGENT>> = { closed: AWAY, open: AWAY };
const addressOf = (name: string) => `127.41.0.${NAMES.indexOf(name) + 40}`;

const validations = [
  ...Object.entries(VALIDATIONS).map(([name, spec]) =>
    requestValidation(name, { selector: { matchLabels: { app: name } }, ...spec }),
  ),
  requestValidation("edge", {
    targetRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" }],
    rules: [{ match: { route: "checkout" }, methods: ["POST"] }],
  }),
];

describe.skipIf(!envoyBinary)("checks of requests", () => {
  let server: Server | undefined;
  let checking: OpenApiService | undefined;

  beforeAll(async () => {
    const byKey = new Map(validations.map((each) => [objectKey(each), each]));
    checking = createOpenApiService({
      get: (key) => byKey.get(key),
      log: { warn: (message) => console.warn(message) },
    });
    const { definition, implementation } = checking;
    server = new Server();
    server.addService(definition, implementation);
    await new Promise<void>((resolve, reject) => {
      server!.bindAsync(
        `${AGENT.address}:${AGENT.port}`,
        ServerCredentials.createInsecure(),
        (error) => (error ? reject(error) : resolve()),
      );
    });
  });

  afterAll(async () => {
    await checking?.close();
    server?.forceShutdown();
  });

  const mesh = startedMesh({
    collector: COLLECTOR,
    workloads: {
      client: { address: "127.41.0.1" },
      ...Object.fromEntries(
        NAMES.map((name) => [
          name,
          { address: addressOf(name), ports: [PORT], agent: AGENTS[name] ?? AGENT },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(EDGES).map(([name, { address, gatewayName }]) => [
          name,
          {
            address,
            type: "router" as const,
            labels: { istio: "edge", "gateway.networking.k8s.io/gateway-name": gatewayName },
          },
        ]),
      ),
    },
    objects: [
      ...NAMES.flatMap((name) => service(name, [{ name: "http", port: PORT }], [addressOf(name)])),
      gateway("edge", {
        selector: { istio: "edge" },
        servers: [{ port: { number: 8080, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      virtualService("edge", {
        hosts: ["shop.example.com"],
        gateways: ["edge"],
        http: [
          {
            name: "checkout",
            match: [{ uri: { prefix: "/checkout" } }],
            route: [{ destination: { host: "free" } }],
          },
          { name: "rest", route: [{ destination: { host: "free" } }] },
        ],
      }),
      ...validations,
    ],
  });

  const get = (name: string, path: string, asking: Asking = {}) =>
    mesh.get("client" as never, `${name}:${PORT}`, path, asking);
  const status = async (name: string, path: string, asking: Asking = {}) =>
    (await get(name, path, asking)).status;
  const sent = (body: string, more: Record<string, string> = {}, method = "POST"): Asking => ({
    ...{ method, body },
    headers: { "content-length": String(Buffer.byteLength(body)), ...more },
  });
  /** Without saying how long it is. */
  const chunked = (body: string, more: Record<string, string> = {}): Asking => ({
    ...{ method: "POST", body },
    headers: { "transfer-encoding": "chunked", ...more },
  });
  const many = (count: number): Asking => ({
    headers: Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-many-${i}`, "v"])),
  });
  const long = (bytes: number): Asking => ({ headers: { "x-long": "v".repeat(bytes) } });
  const JSON_TYPE = { "content-type": "application/json" };

  /** What the server's log says of the request to a path. */
  const logged = async (path: string) => {
    const find = () =>
      mesh
        .collector()
        .logs.map(({ attributes }) => attributes)
        .find((each) => each["url.path"] === path && each["heddle.request_validation.object"]);
    await expect.poll(find, { timeout: 10_000 }).toBeDefined();
    return find()!;
  };
  const refusedBy = (name: string) =>
    `rbac_access_denied_matched_policy[request-validation/${name}]`;

  proves(
    "RequestValidation",
    ["limits.{urlBytes,headers,headerBytes}", "selector.matchLabels", "mode=ENFORCE"],
    "answers 414 and 431 to longer URLs and to more or larger headers, and its log names the limit; a workload that is not selected takes them",
    async () => {
      const url = `/${"u".repeat(80)}`;
      expect(await status("limited", "/short")).toBe(200);
      const tooLong = await get("limited", url);
      expect(tooLong.status).toBe(414);
      expect(tooLong.body).toBe("URI Too Long\n");
      expect((await logged(url))["envoy.response_code_details"]).toBe(
        refusedBy("default/limited/limits.urlBytes"),
      );
      expect(await status("limited", "/few", many(8))).toBe(200);
      expect(await status("limited", "/many", many(13))).toBe(431);
      expect((await logged("/many"))["envoy.response_code_details"]).toBe(
        refusedBy("default/limited/limits.headers"),
      );
      expect(await status("limited", "/large", long(2_000))).toBe(431);
      for (const [path, asking] of [
        [url, {}],
        ["/many", many(13)],
        ["/large", long(2_000)],
      ] as const)
        expect(await status("free", path, asking)).toBe(200);
    },
  );

  proves(
    "RequestValidation",
    ["limits.{headers,headerBytes}"],
    "takes more headers than proxies do by themselves where a limit is higher",
    async () => {
      // The client's own sidecar is left out of it.
      const direct = async (name: string, path: string, asking: Asking) =>
        (await ask(addressOf(name), PORT, `${name}:${PORT}`, path, asking)).status;
      expect(await direct("free", "/", many(150))).toBe(431);
      expect(await direct("roomy", "/", many(150))).toBe(200);
      expect(await direct("roomy", "/", many(210))).toBe(431);
      expect(await direct("free", "/", long(80_000))).toBe(431);
      // The application takes less by itself; what it was asked its proxy has taken.
      await direct("roomy", "/taken", long(80_000));
      expect((await logged("/taken"))["envoy.response_code_details"]).toBe("via_upstream");
      await direct("roomy", "/refused", long(101_000));
      expect((await logged("/refused"))["envoy.response_code_details"]).toBe(
        refusedBy("default/roomy/limits.headerBytes"),
      );
    },
  );

  proves(
    "RequestValidation",
    ["limits.bodyBytes", "rules[].maxBodyBytes", "rules[].name", "rules[].match.path.prefix"],
    "answers 413 to larger bodies, whether they say their length or not; a rule's limit stands in place of that of all",
    async () => {
      const [small, middle, large] = ["b".repeat(20), "b".repeat(60), "b".repeat(200)];
      for (const form of [sent, chunked]) {
        expect(await status("limited", "/a", form(small))).toBe(200);
        expect(await status("limited", "/a", form(middle))).toBe(413);
        expect(await status("limited", "/up/a", form(middle))).toBe(200);
        expect(await status("limited", "/up/a", form(large))).toBe(413);
        expect(await status("free", "/a", form(large))).toBe(200);
      }
      // The query is no part of the path that a rule goes by.
      expect(await status("limited", "/a?/up/a", sent(middle))).toBe(413);
      expect(await status("limited", "/up/said", sent(large))).toBe(413);
      expect((await logged("/up/said"))["envoy.response_code_details"]).toBe(
        refusedBy("default/limited/rules[upload].maxBodyBytes"),
      );
      expect(await status("limited", "/up/unsaid", chunked(large))).toBe(413);
      const line = await logged("/up/unsaid");
      expect(line["envoy.response_code_details"]).toBe("request_payload_too_large");
      expect(line["heddle.request_validation.body"]).toContain(
        "request-validation/default/limited/rules[upload].maxBodyBytes",
      );
    },
  );

  proves(
    "RequestValidation",
    [
      "rules[].methods",
      "rules[].match.path.{exact,regex}",
      "rules[].match.method.{exact,prefix,regex}",
    ],
    "answers 405 to other methods, with those that are taken, where the first rule that matches says so",
    async () => {
      const DELETE = { method: "DELETE" };
      const refused = await get("limited", "/exact?a=1", DELETE);
      expect(refused.status).toBe(405);
      expect(refused.headers["allow"]).toBe("GET");
      expect(refused.body).toBe("Method Not Allowed\n");
      expect((await logged("/exact?a=1"))["envoy.response_code_details"]).toBe(
        refusedBy("default/limited/rules[1].methods"),
      );
      expect(await status("limited", "/exactly", DELETE)).toBe(200);
      expect(await status("limited", "/exact")).toBe(200);
      expect(await status("limited", "/re12", DELETE)).toBe(405);
      expect(await status("limited", "/re", DELETE)).toBe(200);
      expect(await status("limited", "/x?/re12", DELETE)).toBe(200);
      for (const by of ["exact", "prefix", "regex"]) {
        expect(await status("limited", `/m/${by}`, DELETE)).toBe(405);
        expect(await status("limited", `/m/${by}`, { method: "PUT" })).toBe(200);
      }
    },
  );

  proves(
    "RequestValidation",
    ["rules[].contentTypes"],
    "answers 415 to bodies of other types, and to those that say none",
    async () => {
      const typed = (type: string, path = "/json") =>
        status("limited", path, sent("{}", { "content-type": type }));
      expect(await typed("application/json")).toBe(200);
      expect(await typed("Application/JSON; charset=utf-8")).toBe(200);
      for (const type of ["text/plain", "application/jsonp", "text/plain, application/json", "x"])
        expect(await typed(type)).toBe(415);
      expect(await typed("image/png", "/images")).toBe(200);
      expect(await typed("imagex/png", "/images")).toBe(415);
      expect(await status("limited", "/json", sent("{}"))).toBe(415);
      expect(await status("limited", "/json", chunked("{}"))).toBe(415);
      expect(await status("limited", "/json", sent(""))).toBe(200);
      expect(await status("limited", "/json")).toBe(200);
    },
  );

  proves(
    "RequestValidation",
    ["paths.mergeSlashes", "paths.escapedSlashes={KEEP,DECODE,REDIRECT,REFUSE}"],
    "writes paths in one way before anything looks at them, or refuses what is written in another",
    async () => {
      const seen = async (name: string, path: string) => (await get(name, path)).echo().url;
      expect(await seen("keeping", "//a%2Fb//c%5Cd")).toBe("//a%2Fb//c%5Cd");
      expect(await seen("merging", "//a%2Fb//c%5Cd")).toBe("/a/b/c/d");
      const led = await get("leading", "/a%2Fb");
      expect(led.status).toBe(307);
      expect(led.headers["location"]).toMatch(/\/a\/b$/);
      for (const path of ["/a%2Fb", "/a%2fb", "/a%5Cb"]) {
        const refused = await get("refusing", path);
        expect([refused.status, refused.body]).toEqual([400, "Bad Request\n"]);
      }
      expect((await logged("/a%2fb"))["envoy.response_code_details"]).toBe(
        refusedBy("default/refusing/paths.escapedSlashes"),
      );
      expect(await status("refusing", "/a?b=%2F")).toBe(200);
    },
  );

  proves(
    "RequestValidation",
    ["targetRefs[].{group,kind,name}", "rules[].match.route"],
    "checks the requests of one route at the gateway that it names, and no other's",
    async () => {
      const at = async (edge: keyof typeof EDGES, path: string) =>
        (await ask(EDGES[edge].address, 8080, "shop.example.com", path)).status;
      expect(await at("edge", "/checkout")).toBe(405);
      expect(await at("edge", "/rest")).toBe(200);
      expect(await at("inner", "/checkout")).toBe(200);
    },
  );

  proves(
    "RequestValidation",
    ["openapi.document", "openapi.maxBodyBytes"],
    "refuses what a document does not describe, and its log says the operation and the place, never the value",
    async () => {
      const answers = async (path: string, asking: Asking = {}) => {
        const { status: code, body } = await get("described", path, asking);
        return code === 200 ? 200 : `${code} ${body.trim()}`;
      };
      expect(await answers("/pets?limit=7")).toBe(200);
      expect(await answers("/pets?limit=700")).toBe("400 Bad Request");
      expect(await answers("/cats")).toBe("404 Not Found");
      expect((await get("described", "/pets", { method: "PUT" })).headers["allow"]).toBe(
        "GET, POST",
      );
      for (const form of [sent, chunked]) {
        expect(await answers("/pets", form('{"name":"tom"}', JSON_TYPE))).toBe(200);
        expect(await answers("/pets", form('{"name":5}', JSON_TYPE))).toBe("400 Bad Request");
        expect(await answers("/pets", form("{", JSON_TYPE))).toBe("400 Bad Request");
        expect(await answers("/pets", form("tom", { "content-type": "text/plain" }))).toBe(
          "415 Unsupported Media Type",
        );
        const large = form(JSON.stringify({ name: "t".repeat(60) }), JSON_TYPE);
        expect(await status("described", "/pets", large)).toBe(413);
      }
      expect(await status("described", "/pets?at=1", sent('{"name":12345}', JSON_TYPE))).toBe(400);
      const line = await logged("/pets?at=1");
      expect(line["heddle.request_validation.object"]).toBe("default/described");
      expect(line["heddle.request_validation.document"]).toBe(
        "POST /pets: body/name: must be string",
      );
      expect(line["envoy.response_code_details"]).toBe("ext_authz_denied");
    },
  );

  proves(
    "RequestValidation",
    ["openapi.onFailure={ALLOW,DENY}", "openapi.timeout"],
    "goes on without an agent or not, as it is told, and does not wait longer than it is told",
    async () => {
      expect(await status("closed", "/pets")).toBe(503);
      expect(await status("open", "/cats")).toBe(200);
      // The first request has the document compiled, which takes longer than a millisecond.
      expect(await status("hurried", "/cats")).toBe(200);
    },
  );

  proves(
    "RequestValidation",
    ["mode=REPORT"],
    "refuses nothing, and tells in its log what would have been",
    async () => {
      const url = `/pets?${"u".repeat(80)}`;
      expect(await status("reported", url)).toBe(200);
      expect((await logged(url))["heddle.request_validation.report"]).toBe(
        "request-validation/default/reported/limits.urlBytes",
      );
      expect(await status("reported", "/pets?put", { method: "PUT" })).toBe(200);
      const put = await logged("/pets?put");
      expect(put["heddle.request_validation.report"]).toBe(
        "request-validation/default/reported/rules[0].methods",
      );
      expect(put["heddle.request_validation.document"]).toBe(
        "PUT /pets: method: must be described",
      );
      expect(await status("reported", "/pets?fine")).toBe(200);
      const fine = await logged("/pets?fine");
      expect(fine["heddle.request_validation.report"]).toBe("-");
      expect(fine["heddle.request_validation.document"]).toBe("-");
    },
  );

  refuses(
    "RequestValidation",
    ["targetRefs[].namespace"],
    "a target of another namespace is refused",
    () => {
      const target = { group: "gateway.networking.k8s.io", kind: "Gateway", name: "edge" };
      const problems = (spec: RequestValidation) =>
        parseObject(
          requestValidation("edge", { limits: { headers: 50 }, ...spec }),
        ).diagnostics.map(({ level, path }) => `${level} ${path}`);
      expect(problems({ targetRefs: [target] })).toEqual([]);
      expect(problems({ targetRefs: [{ ...target, namespace: "other" }] })).toEqual([
        "Error spec.targetRefs[0].namespace",
      ]);
    },
  );
});
