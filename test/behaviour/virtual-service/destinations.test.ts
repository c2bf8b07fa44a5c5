/** Where a rule sends requests and their copies, with which headers, and whom it concerns. */
import { describe, expect } from "vitest";
import { ACCESS_LOG_ATTRIBUTES } from "@heddle/translate";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { service, virtualService } from "../../harness/objects.ts";
import { proves } from "../proves.ts";

const PORT = 9080;
const OTHER_PORT = 9081;
const REVIEWS = "127.162.0.2";
const COPIES = "127.162.0.3";
const at = (path: string) => ({ match: [{ uri: { exact: path } }] });
const to = (port?: number) => ({
  destination: { host: "reviews", ...(port ? { port: { number: port } } : {}) },
});
const copy = { host: "copies", port: { number: OTHER_PORT } };
const PORTS = [
  { name: "http", port: PORT },
  { name: "http-other", port: OTHER_PORT },
];

describe.skipIf(!envoyBinary)("destinations of a VirtualService", () => {
  const mesh = startedMesh({
    collector: "127.162.2.1",
    workloads: {
      client: { address: "127.162.0.1" },
      stranger: { address: "127.162.0.4", namespace: "elsewhere" },
      reviews: { address: REVIEWS, ports: [PORT, OTHER_PORT] },
      copies: { address: COPIES, ports: [PORT, OTHER_PORT] },
    },
    objects: [
      ...service("reviews", PORTS, [REVIEWS]),
      ...service("copies", PORTS, [COPIES]),
      ...["own", "given", "hidden", "open"].flatMap((name) =>
        service(name, [{ name: "http", port: PORT }], [REVIEWS]),
      ),
      virtualService("reviews", {
        hosts: ["reviews"],
        http: [
          { ...at("/other-port"), route: [to(OTHER_PORT)] },
          { ...at("/mirror-port"), route: [to()], mirror: copy },
          { ...at("/mirrors-port"), route: [to()], mirrors: [{ destination: copy }] },
          {
            ...at("/mirror-some"),
            route: [to()],
            mirrors: [{ destination: copy, percentage: { value: 30 } }],
          },
          { ...at("/mirror-percent"), route: [to()], mirror: copy, mirrorPercent: 30 },
          {
            ...at("/headers"),
            headers: { response: { set: { "x-application": "rule", "x-set": "rule" } } },
            route: [
              {
                ...to(),
                headers: {
                  request: { remove: ["x-gone"] },
                  response: { add: { "x-set": "destination" }, remove: ["content-type"] },
                },
              },
            ],
          },
          {
            match: [
              { uri: { exact: "/counted" }, statPrefix: "critical" },
              { uri: { exact: "/counted-too" }, statPrefix: "other" },
            ],
            route: [to()],
          },
          { name: "named", match: [{ uri: { exact: "/named" }, name: "by-path" }], route: [to()] },
          { route: [to()] },
        ],
      }),
      ...(
        [
          ["own", ["."]],
          ["given", ["elsewhere"]],
          ["hidden", ["~"]],
          ["open", ["*"]],
        ] as const
      ).map(([name, exportTo]) =>
        virtualService(name, {
          hosts: [name],
          exportTo: [...exportTo],
          http: [{ directResponse: { status: 299 } }],
        }),
      ),
    ],
  });

  const get = (path: string, asking = {}) => mesh.get("client", `reviews:${PORT}`, path, asking);
  const copiesOf = (path: string) =>
    mesh
      .applications("copies")
      .flatMap(({ requests }) => requests.filter(({ url }) => url === path));

  proves(
    "VirtualService",
    ["http[].route[].destination.port.number"],
    "sends requests to the port of the destination",
    async () => {
      expect((await get("/other-port")).echo().port).toBe(OTHER_PORT);
      expect((await get("/any")).echo().port).toBe(PORT);
    },
  );

  proves(
    "VirtualService",
    ["http[].mirror.port.number", "http[].mirrors[].destination.port.number"],
    "sends copies to the port of the mirror",
    async () => {
      for (const path of ["/mirror-port", "/mirrors-port"]) {
        expect((await get(path)).echo().port).toBe(PORT);
        await expect.poll(() => copiesOf(path).map(({ port }) => port)).toEqual([OTHER_PORT]);
      }
    },
  );

  proves(
    "VirtualService",
    ["http[].match[].statPrefix"],
    "counts requests of a match under its name, among the proxy's own statistics",
    async () => {
      for (const path of ["/counted", "/counted", "/counted-too", "/any"]) await get(path);
      const counted = async () => {
        const text = await mesh.envoy("client").admin("/stats?filter=^vhost.*upstream_rq_200$");
        return Object.fromEntries(
          [...text.matchAll(/\.route\.(\w+)\.upstream_rq_200: (\d+)/g)].map(([, name, count]) => [
            name,
            Number(count),
          ]),
        );
      };
      await expect.poll(counted).toEqual({ critical: 2, other: 1 });
    },
  );

  const share = async (path: string) => {
    await Promise.all(Array.from({ length: 300 }, () => get(path)));
    // A copy may come some time after the answer: until no more come.
    let copies = -1;
    while (copies < copiesOf(path).length) {
      copies = copiesOf(path).length;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return copies;
  };

  // 90 of 300 expected; five standard deviations to either side.
  proves(
    "VirtualService",
    ["http[].mirrors[].percentage.value", "http[].mirrorPercent"],
    "copies the share of requests that is asked for",
    async () => {
      for (const path of ["/mirror-some", "/mirror-percent"]) {
        const copies = await share(path);
        expect(copies, path).toBeGreaterThan(50);
        expect(copies, path).toBeLessThan(130);
      }
    },
  );

  proves(
    "VirtualService",
    [
      "http[].headers.response.set",
      "http[].route[].headers.request.remove",
      "http[].route[].headers.response.{add,remove}",
    ],
    "replaces, adds and removes headers of the answer, and removes some of the request",
    async () => {
      const answer = await get("/headers", { headers: { "x-gone": "1", "x-stays": "1" } });
      expect(answer.headers["x-application"]).toBe("rule");
      expect(answer.headers["x-set"]).toBe("rule, destination");
      expect(answer.headers["content-type"]).toBeUndefined();
      expect(answer.echo().headers).toMatchObject({ "x-stays": "1" });
      expect(answer.echo().headers["x-gone"]).toBeUndefined();
    },
  );

  proves(
    "VirtualService",
    ["http[].name", "http[].match[].name"],
    "logs a request with the names of the rule and of its match",
    async () => {
      await get("/named");
      const names = () =>
        mesh
          .collector()
          .logs.filter(({ attributes }) => attributes[ACCESS_LOG_ATTRIBUTES.path] === "/named")
          .map(({ attributes }) => attributes[ACCESS_LOG_ATTRIBUTES.routeName]);
      await expect.poll(names, { timeout: 5000 }).toContain("named.by-path");
    },
  );

  proves(
    "VirtualService",
    ["exportTo"],
    "holds for clients of the namespaces that it is exported to",
    async () => {
      const statuses = async (host: string) => [
        (await mesh.get("client", `${host}.default:${PORT}`)).status,
        (await mesh.get("stranger", `${host}.default:${PORT}`)).status,
      ];
      expect(await statuses("open")).toEqual([299, 299]);
      expect(await statuses("own")).toEqual([299, 200]);
      expect(await statuses("given")).toEqual([200, 299]);
      expect(await statuses("hidden")).toEqual([200, 200]);
    },
  );
});
