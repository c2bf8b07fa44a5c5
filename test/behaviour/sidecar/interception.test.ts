/** What a Sidecar says of traffic that is led to its proxy: what is taken in, what is let out, and what becomes of the rest. */
import type { MeshObject, Sidecar } from "@heddle/model";
import { Agent } from "node:http";
import type { Socket } from "node:net";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { type Application, startApplication } from "../../harness/application.ts";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { connectInto, connectThrough } from "../../harness/intercepted.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { destinationRule, object, service, sidecar } from "../../harness/objects.ts";
import { ask } from "../../harness/request.ts";
import { proves } from "../proves.ts";

const CLIENTS = {
  plain: "127.203.0.1",
  open: "127.203.0.2",
  closed: "127.203.0.3",
  exiting: "127.203.0.4",
  bound: "127.203.0.5",
} as const;
type Client = keyof typeof CLIENTS;
const TAKEN = "127.203.0.6";
const BOUND = "127.203.0.7";
/** Hosts that the mesh does not know. */
const STRANGER = "127.203.0.8";
const REVIEWS = "127.203.0.11";
const EXITS = ["127.203.0.12", "127.203.0.13"] as const;
const UNKNOWN_PORT = 7777;

const outbound = (app: Client, outboundTrafficPolicy: Sidecar["outboundTrafficPolicy"]) =>
  sidecar(app, {
    workloadSelector: { labels: { app } },
    ...(outboundTrafficPolicy ? { outboundTrafficPolicy } : {}),
  });
/** What the mesh's owner has chosen. */
const settings = (spec: object): MeshObject =>
  object("heddle.dev/v1", "MeshSettings", "mesh", spec, "");

const OBJECTS = [
  ...service("reviews", [{ name: "http", port: 9080 }], [REVIEWS], { clusterIP: "10.0.0.1" }),
  ...service("details", [{ name: "http", port: 9080 }], [REVIEWS], { clusterIP: "10.0.0.2" }),
  ...service(
    "exit",
    [
      { name: "http", port: 8080 },
      { name: "tcp", port: 8081, targetPort: 8080 },
    ],
    EXITS,
    { clusterIP: "10.0.0.3" },
  ),
  destinationRule("exit", { host: "exit", subsets: [{ name: "second", labels: { v: "second" } }] }),
  outbound("open", { mode: "ALLOW_ANY" }),
  outbound("closed", { mode: "REGISTRY_ONLY" }),
  outbound("exiting", {
    mode: "ALLOW_ANY",
    egressProxy: { host: "exit", port: { number: 8080 }, subset: "second" },
  }),
];

/** Sends one request over a connection that is there. */
function over(socket: Socket): Agent {
  const agent = new Agent();
  agent.createConnection = () => socket;
  return agent;
}

/** The answer of the application behind an address, or what came in its place. */
async function reached(client: Client, to: string, authority = "stranger.test") {
  const socket = await connectThrough(CLIENTS[client], { to });
  return ask("led", 80, authority, "/", { agent: over(socket) }).then(
    ({ status, headers }) => (status === 200 ? headers["x-application"] : status),
    () => "closed",
  );
}

const O = "outboundTrafficPolicy";

describe.skipIf(!envoyBinary)("a Sidecar of a proxy that traffic is led to", () => {
  const applications: Application[] = [];
  beforeAll(async () => {
    applications.push(
      await startApplication("stranger", STRANGER, 9080),
      await startApplication("stranger", STRANGER, UNKNOWN_PORT),
    );
  });
  afterAll(() => Promise.all(applications.map((application) => application.stop())));

  describe("where the mesh lets everything out", () => {
    startedMesh({
      workloads: {
        plain: { address: CLIENTS.plain, interception: "REDIRECT" },
        closed: { address: CLIENTS.closed, interception: "REDIRECT" },
        exiting: { address: CLIENTS.exiting, interception: "REDIRECT" },
        bound: { address: CLIENTS.bound, interception: "REDIRECT" },
        taken: { address: TAKEN, ports: [9080, 9081], interception: "REDIRECT" },
        reviews: { address: REVIEWS, ports: [9080], sidecar: false },
        first: {
          address: EXITS[0],
          ports: [8080],
          sidecar: false,
          labels: { app: "exit", v: "first" },
        },
        second: {
          address: EXITS[1],
          ports: [8080],
          sidecar: false,
          labels: { app: "exit", v: "second" },
        },
      },
      settings: { outboundTrafficPolicy: "REGISTRY_ONLY" },
      objects: [
        ...OBJECTS,
        settings({ outboundTrafficPolicy: "ALLOW_ANY" }),
        sidecar("bound", {
          workloadSelector: { labels: { app: "bound" } },
          egress: [
            {
              port: { number: 9080, protocol: "HTTP", name: "http" },
              bind: BOUND,
              captureMode: "IPTABLES",
              hosts: ["./reviews.default.svc.cluster.local"],
            },
            {
              port: { number: 9090, protocol: "HTTP", name: "http-bound" },
              bind: BOUND,
              captureMode: "NONE",
              hosts: ["*/*"],
            },
          ],
          outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
        }),
        sidecar("taken", {
          workloadSelector: { labels: { app: "taken" } },
          ingress: [
            {
              port: { number: 9000, protocol: "HTTP", name: "led" },
              bind: BOUND,
              captureMode: "IPTABLES",
              defaultEndpoint: "127.0.0.1:9080",
            },
            {
              port: { number: 9001, protocol: "HTTP", name: "bound" },
              bind: BOUND,
              captureMode: "NONE",
              defaultEndpoint: "127.0.0.1:9081",
            },
          ],
        }),
      ],
    });

    proves(
      { Sidecar: [`${O}.mode=REGISTRY_ONLY`], MeshSettings: ["outboundTrafficPolicy=ALLOW_ANY"] },
      "requests and connections to strangers go through, but not those of a workload that may reach the registry alone",
      async () => {
        expect(await reached("plain", `${STRANGER}:9080`)).toBe("stranger");
        expect(await reached("plain", `${STRANGER}:${UNKNOWN_PORT}`)).toBe("stranger");
        expect(await reached("closed", `${STRANGER}:9080`)).toBe(502);
        expect(await reached("closed", `${STRANGER}:${UNKNOWN_PORT}`)).toBe("closed");
        expect(await reached("closed", "10.0.0.1:9080", "reviews:9080")).toBe("reviews");
      },
    );

    proves(
      "Sidecar",
      [`${O}.egressProxy.subset`],
      "requests and connections to strangers go through the subset of the egress proxy",
      async () => {
        for (const port of [9080, UNKNOWN_PORT])
          for (let i = 0; i < 4; i++)
            expect(await reached("exiting", `${STRANGER}:${port}`)).toBe("second");
        const both = await Promise.all(
          Array.from({ length: 20 }, () => reached("plain", "10.0.0.3:8080", "exit:8080")),
        );
        expect(new Set(both)).toEqual(new Set(["first", "second"]));
      },
    );

    proves(
      "Sidecar",
      ["egress[].captureMode=IPTABLES"],
      "an egress listener takes what is led to its port, whatever address it has",
      async () => {
        expect(await reached("bound", "10.0.0.1:9080", "reviews:9080")).toBe("reviews");
        expect(await reached("bound", "10.0.0.2:9080", "details:9080")).toBe(502);
        await expect(ask(BOUND, 9080, "reviews:9080", "/")).rejects.toThrow(/ECONNREFUSED/);
        expect((await ask(BOUND, 9090, "details:9080", "/")).status).toBe(502);
      },
    );

    proves(
      "Sidecar",
      ["ingress[].captureMode=IPTABLES"],
      "an ingress listener takes what is led to its port, whatever address it has",
      async () => {
        const led = async (port: number) => {
          const socket = await connectInto(TAKEN, port);
          const answer = await ask("led", 80, "taken", "/", { agent: over(socket) });
          return answer.echo().port;
        };
        expect(await led(9000)).toBe(9080);
        await expect(ask(BOUND, 9000, "taken", "/")).rejects.toThrow(/ECONNREFUSED/);
        expect((await ask(BOUND, 9001, "taken", "/")).echo().port).toBe(9081);
      },
    );
  });

  describe("where the mesh lets out what it knows alone", () => {
    startedMesh({
      workloads: {
        plain: { address: CLIENTS.plain, interception: "REDIRECT" },
        open: { address: CLIENTS.open, interception: "REDIRECT" },
      },
      settings: { outboundTrafficPolicy: "ALLOW_ANY" },
      objects: [...OBJECTS, settings({ outboundTrafficPolicy: "REGISTRY_ONLY" })],
    });

    proves(
      { Sidecar: [`${O}.mode=ALLOW_ANY`], MeshSettings: ["outboundTrafficPolicy=REGISTRY_ONLY"] },
      "requests and connections to strangers are refused, but not those of a workload that may reach anybody",
      async () => {
        expect(await reached("plain", `${STRANGER}:9080`)).toBe(502);
        expect(await reached("plain", `${STRANGER}:${UNKNOWN_PORT}`)).toBe("closed");
        expect(await reached("open", `${STRANGER}:9080`)).toBe("stranger");
        expect(await reached("open", `${STRANGER}:${UNKNOWN_PORT}`)).toBe("stranger");
      },
    );
  });
});
