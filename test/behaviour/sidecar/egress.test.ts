/** What Sidecars let workloads reach: hosts by namespace and port, listeners of their own, and a way for the rest. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { service, sidecar, virtualService } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const sockets = mkdtempSync(path.join(tmpdir(), "heddle-egress-"));
const SOCKET = path.join(sockets, "out.sock");
const BOUND = "127.89.0.19";

const egressOnly = (app: string, ...hosts: string[]) =>
  sidecar(app, { workloadSelector: { labels: { app } }, egress: [{ hosts }] });

describe.skipIf(!envoyBinary)("what a Sidecar lets a workload reach", () => {
  afterAll(() => rmSync(sockets, { recursive: true, force: true }));

  const mesh = startedMesh({
    workloads: {
      free: { address: "127.89.0.1" },
      named: { address: "127.89.0.2" },
      foreign: { address: "127.89.0.3" },
      nobody: { address: "127.89.0.4" },
      ruled: { address: "127.89.0.5" },
      unruled: { address: "127.89.0.10" },
      ported: { address: "127.89.0.6" },
      bound: { address: "127.89.0.7" },
      proxied: { address: "127.89.0.8" },
      visitor: { address: "127.89.0.9", namespace: "other" },
      reviews: { address: "127.89.0.11", ports: [9080] },
      details: { address: "127.89.0.12", ports: [9080] },
      ratings: { address: "127.89.0.13", ports: [9080, 9090], namespace: "other" },
      exit: { address: "127.89.0.14", ports: [8080] },
    },
    objects: [
      ...service("reviews", [{ name: "http", port: 9080 }], ["127.89.0.11"]),
      ...service("details", [{ name: "http", port: 9080 }], ["127.89.0.12"]),
      ...service(
        "ratings",
        [
          { name: "http", port: 9080 },
          { name: "http-more", port: 9090 },
        ],
        ["127.89.0.13"],
        { namespace: "other" },
      ),
      ...service("exit", [{ name: "http", port: 8080 }], ["127.89.0.14"]),
      // Rules of one namespace for a host of another.
      virtualService(
        "of-other",
        {
          hosts: ["details.default.svc.cluster.local"],
          http: [{ route: [{ destination: { host: "ratings", port: { number: 9080 } } }] }],
        },
        "other",
      ),
      egressOnly("named", "./reviews.default.svc.cluster.local"),
      egressOnly("foreign", "other/*"),
      egressOnly("nobody", "~/*"),
      egressOnly("unruled", "./details.default.svc.cluster.local"),
      egressOnly("ruled", "*/details.default.svc.cluster.local"),
      sidecar("ported", {
        workloadSelector: { labels: { app: "ported" } },
        egress: [
          {
            port: { number: 9080, protocol: "HTTP", name: "http" },
            hosts: ["./reviews.default.svc.cluster.local"],
          },
          { hosts: ["*/*"] },
        ],
      }),
      sidecar("bound", {
        workloadSelector: { labels: { app: "bound" } },
        egress: [
          {
            port: { number: 9080, protocol: "HTTP", name: "http" },
            bind: BOUND,
            captureMode: "NONE",
            hosts: ["./reviews.default.svc.cluster.local"],
          },
          {
            port: { number: 9090, protocol: "TCP", name: "tcp" },
            bind: BOUND,
            hosts: ["other/*"],
          },
          {
            port: { number: 0, protocol: "HTTP", name: "socket" },
            bind: `unix://${SOCKET}`,
            hosts: ["./details.default.svc.cluster.local", "other/*"],
          },
        ],
      }),
      sidecar("proxied", {
        workloadSelector: { labels: { app: "proxied" } },
        egress: [{ hosts: ["./reviews.default.svc.cluster.local"] }],
        outboundTrafficPolicy: {
          mode: "ALLOW_ANY",
          egressProxy: { host: "exit", port: { number: 8080 } },
        },
      }),
      sidecar("everybody", { egress: [{ hosts: ["./*"] }] }, "other"),
    ],
  });

  type Client =
    | "free"
    | "named"
    | "foreign"
    | "nobody"
    | "ruled"
    | "unruled"
    | "ported"
    | "proxied"
    | "visitor";
  const answer = async (from: Client, authority: string) => {
    const { status, headers } = await mesh.get(from, authority);
    return status === 200 ? headers["x-application"] : status;
  };

  proves(
    "Sidecar",
    ["egress[].hosts", "workloadSelector.labels"],
    "leads to the hosts that it lists, and to no others; workloads that it does not select go on",
    async () => {
      expect(await answer("free", "reviews.default:9080")).toBe("reviews");
      expect(await answer("free", "ratings.other:9080")).toBe("ratings");
      expect(await answer("named", "reviews.default:9080")).toBe("reviews");
      expect(await answer("named", "ratings.other:9080")).toBe(502);
      expect(await answer("foreign", "ratings.other:9080")).toBe("ratings");
      expect(await answer("foreign", "reviews.default:9080")).toBe(502);
      expect(await answer("nobody", "reviews.default:9080")).toBe(502);
      // Without a selector it is for its namespace.
      expect(await answer("visitor", "ratings.other:9080")).toBe("ratings");
      expect(await answer("visitor", "reviews.default:9080")).toBe(502);
    },
  );

  test("rules count where the host is listed for their namespace, and bring their destinations along", async () => {
    expect(await answer("free", "details.default:9080")).toBe("ratings");
    // Lists the host for all namespaces: the rule's destination comes with it.
    expect(await answer("ruled", "details.default:9080")).toBe("ratings");
    expect(await answer("ruled", "ratings.other:9080")).toBe("ratings");
    // Lists the host for the host's own namespace alone: the other namespace's rule is left out.
    expect(await answer("unruled", "details.default:9080")).toBe("details");
  });

  proves(
    "Sidecar",
    ["egress[].port.{number,protocol,name}", "egress[].captureMode=DEFAULT"],
    "a listener for a port decides for it alone",
    async () => {
      expect(await answer("ported", "reviews.default:9080")).toBe("reviews");
      expect(await answer("ported", "ratings.other:9080")).toBe(502);
      expect(await answer("ported", "ratings.other:9090")).toBe("ratings");
    },
  );

  proves(
    "Sidecar",
    ["egress[].bind", "egress[].captureMode=NONE"],
    "listens on an address, a port or a socket of its own",
    async () => {
      const http = await ask(BOUND, 9080, "reviews.default:9080", "/");
      expect(http.headers["x-application"]).toBe("reviews");
      expect((await ask(BOUND, 9080, "details.default:9080", "/")).status).toBe(502);
      const tcp = await ask(BOUND, 9090, "anything", "/");
      expect(tcp.headers["x-application"]).toBe("ratings");
      const socket = await ask("unused", 0, "ratings.other:9090", "/", { socketPath: SOCKET });
      expect(socket.headers["x-application"]).toBe("ratings");
      expect(
        (await ask("unused", 0, "reviews.default:9080", "/", { socketPath: SOCKET })).status,
      ).toBe(502);
    },
  );

  proves(
    "Sidecar",
    ["outboundTrafficPolicy.egressProxy.{host,port.number}"],
    "sends requests for unknown hosts through the egress proxy",
    async () => {
      expect(await answer("proxied", "reviews.default:9080")).toBe("reviews");
      expect(await answer("proxied", "example.com")).toBe("exit");
      expect(await answer("named", "example.com")).toBe(502);
    },
  );
});
