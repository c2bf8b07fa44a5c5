/** Messages of gRPC calls, counted by the proxies of both ends, where a Telemetry names them. */
import type { MeshObject, Telemetry } from "@heddle/model";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { envoyBinary } from "../../harness/envoy-process.ts";
import { startedMesh } from "../../harness/mesh.ts";
import { object, service } from "../../harness/objects.ts";
import { grpcClient, type Speaker, startGrpc } from "../../harness/protocols.ts";
import { scrape } from "../../harness/scrape.ts";
import { proves } from "../proves.ts";

const ADDRESS = {
  plain: "127.209.0.1",
  own: "127.209.0.2",
  half: "127.209.0.3",
  server: "127.209.0.4",
} as const;
/** Where the proxy of `server` finds its application. */
const APPLICATION = "127.209.1.4";
type Name = keyof typeof ADDRESS;

const REQUESTS = "istio_request_messages_total";
const RESPONSES = "istio_response_messages_total";

function telemetry(name: Name, spec: Telemetry): MeshObject<Telemetry> {
  return object("telemetry.istio.io/v1", "Telemetry", name, {
    selector: { matchLabels: { app: name } },
    ...spec,
  });
}

describe.skipIf(!envoyBinary)("messages of gRPC", () => {
  startedMesh({
    workloads: {
      plain: { address: ADDRESS.plain },
      own: { address: ADDRESS.own },
      half: { address: ADDRESS.half },
      // One application is started here; the one of gRPC beside it.
      server: { address: ADDRESS.server, ports: [8999] },
    },
    objects: [
      ...service("server", [{ name: "grpc", port: 9080 }], [ADDRESS.server]),
      ...(["own", "server"] as const).map((name) =>
        telemetry(name, {
          metrics: [
            {
              overrides: [
                { match: { metric: "GRPC_REQUEST_MESSAGES" }, disabled: false },
                {
                  match: { metric: "GRPC_RESPONSE_MESSAGES" },
                  tagOverrides: { method: { value: "request.url_path" } },
                },
              ],
            },
          ],
        }),
      ),
      telemetry("half", {
        metrics: [
          {
            overrides: [
              { match: { customMetric: "request_messages_total" } },
              { match: { metric: "GRPC_RESPONSE_MESSAGES" }, disabled: true },
            ],
          },
        ],
      }),
    ],
  });
  let application: Speaker | undefined;
  beforeAll(async () => {
    application = await startGrpc(APPLICATION, 9080);
  });
  afterAll(() => application?.stop());

  const through = async <T>(
    from: Name,
    call: (of: ReturnType<typeof grpcClient>) => Promise<T>,
  ) => {
    const client = grpcClient(ADDRESS[from], 15001, "server:9080");
    try {
      return await call(client);
    } finally {
      client.close();
    }
  };
  const counted = async (of: Name, metric: string, from: Name) =>
    (await scrape(ADDRESS[of], metric))
      .filter(({ labels }) => labels["source_workload"] === from)
      .reduce((sum, { value }) => sum + value, 0);

  proves(
    "Telemetry",
    ["metrics[].overrides[].match.metric={GRPC_REQUEST_MESSAGES,GRPC_RESPONSE_MESSAGES}"],
    "calls of one message, of none, of many one way and of many both ways are counted exactly, at both ends, with all labels",
    async () => {
      const words = (count: number) => Array.from({ length: count }, (_, index) => `w${index}`);
      let [sent, received] = [0, 0];
      await through("own", async (client) => {
        const add = (requests: number, responses: number) => {
          sent += requests;
          received += responses;
        };
        expect((await client.say("hello")).code).toBe(0);
        add(1, 1);
        expect((await client.say("fail")).code).toBe(9);
        add(1, 0);
        expect((await client.talk(words(3))).answers).toHaveLength(3);
        add(3, 3);
        expect((await client.talk(words(124))).answers).toHaveLength(124);
        add(124, 124);
        // Numbers of every length, so that each place of the text is read.
        for (const times of [0, 2, 10, 99, 100, 1234, 5678, 10_203]) {
          expect(await client.tell(times)).toBe(times);
          add(1, times);
        }
      });
      for (const at of ["own", "server"] as const) {
        await expect.poll(() => counted(at, REQUESTS, "own"), { timeout: 20_000 }).toBe(sent);
        await expect.poll(() => counted(at, RESPONSES, "own"), { timeout: 20_000 }).toBe(received);
      }
      const [said] = (await scrape(ADDRESS.server, RESPONSES)).filter(
        ({ labels }) => labels["method"] === "/test.Echo/Talk",
      );
      expect(said).toMatchObject({
        value: 127,
        labels: {
          reporter: "destination",
          source_workload: "own",
          source_principal: "spiffe://cluster.local/ns/default/sa/own",
          destination_workload: "server",
          destination_service: "server.default.svc.cluster.local",
          connection_security_policy: "mutual_tls",
          request_protocol: "grpc",
          response_code: "200",
          grpc_response_status: "0",
        },
      });
      const [asked] = (await scrape(ADDRESS.own, REQUESTS)).filter(
        ({ labels }) => labels["grpc_response_status"] === "9",
      );
      expect(asked).toMatchObject({
        value: 1,
        labels: { reporter: "source", source_workload: "own", destination_workload: "server" },
      });
    },
  );

  test("are not counted where nobody asks for them, and one by one where somebody does", async () => {
    for (const from of ["plain", "half"] as const) {
      expect(await through(from, (client) => client.tell(5))).toBe(5);
      await expect
        .poll(() => scrape(ADDRESS[from], "istio_requests_total"), { timeout: 20_000 })
        .not.toEqual([]);
    }
    await expect.poll(() => counted("half", REQUESTS, "half"), { timeout: 20_000 }).toBe(1);
    expect(await scrape(ADDRESS.half, RESPONSES)).toEqual([]);
    for (const metric of [REQUESTS, RESPONSES])
      expect(await scrape(ADDRESS.plain, metric)).toEqual([]);
  });
});
