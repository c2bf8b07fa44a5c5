/**
 * What checks of requests add to each: `node test/bench/validation.ts [requests]`. One connection asks a real Envoy, one request after
 * the other: without checks, with limits and rules, and with an OpenAPI document, of which the agent is asked. The agent's part runs in
 * this process, as it runs in an agent.
 */
import { Agent, request } from "node:http";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { objectKey, type RequestValidation } from "@heddle/model";
import { createOpenApiService } from "../../agent/src/openapi/index.ts";
import { resolveEnvoy } from "../../apps/cli/src/envoy/resolve.ts";
import { startApplication } from "../harness/application.ts";
import { pod, requestValidation, service } from "../harness/objects.ts";
import { quantile } from "../harness/quantile.ts";
import { bootstrapOf } from "../harness/world.ts";

const requests = Number(process.argv[2] ?? 5000);
const WARM_UP = 500;
const PORT = 9080;
const AGENT = { address: "127.46.0.21", port: 15010 };

const properties = Object.fromEntries(
  Array.from({ length: 10 }, (_, index) => [`field${index}`, { type: "string", maxLength: 80 }]),
);
const document = JSON.stringify({
  openapi: "3.1.0",
  info: { title: "Orders", version: "1" },
  paths: {
    "/orders/{id}": {
      parameters: [
        { name: "id", in: "path", required: true, schema: { type: "integer" } },
        { name: "limit", in: "query", schema: { type: "integer", maximum: 100 } },
      ],
      get: {},
      post: {
        requestBody: {
          required: true,
          content: {
            "application/json": { schema: { type: "object", required: ["field0"], properties } },
          },
        },
      },
    },
  },
});
const VALIDATIONS: Readonly<Record<string, RequestValidation>> = {
  ruled: {
    limits: { headers: 100, headerBytes: 20_000, urlBytes: 2_000, bodyBytes: 100_000 },
    rules: [{ match: { path: { prefix: "/" } }, methods: ["GET", "POST"] }],
  },
  described: { openapi: { document } },
};
const NAMES = ["free", ...Object.keys(VALIDATIONS)];
const addressOf = (name: string) => `127.46.0.${NAMES.indexOf(name) + 40}`;
const body = JSON.stringify(
  Object.fromEntries(Object.keys(properties).map((name) => [name, "x".repeat(80)])),
);

process.env["HEDDLE_ENVOY"] ??= (await resolveEnvoy(() => {})).path;
// It reads at its start which Envoy there is.
const { startEnvoy } = await import("../harness/envoy-process.ts");
const validations = Object.entries(VALIDATIONS).map(([name, spec]) =>
  requestValidation(name, { selector: { matchLabels: { app: name } }, ...spec }),
);
const objects = [
  ...NAMES.map((name) => pod({ name, address: addressOf(name), labels: { app: name } })),
  ...NAMES.flatMap((name) => service(name, [{ name: "http", port: PORT }], [addressOf(name)])),
  ...validations,
];
const byKey = new Map(validations.map((each) => [objectKey(each), each]));
const checking = createOpenApiService({ get: (key) => byKey.get(key), log: console });
checking.objectsChanged([...byKey.keys()]);
const server = new Server();
server.addService(checking.definition, checking.implementation);
await new Promise<void>((resolve, reject) =>
  server.bindAsync(`${AGENT.address}:${AGENT.port}`, ServerCredentials.createInsecure(), (error) =>
    error ? reject(error) : resolve(),
  ),
);
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** Milliseconds until the whole answer is there. */
function asked(host: string, method: string): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const headers = method === "POST" ? { "content-type": "application/json" } : {};
    const options = { host, port: PORT, path: "/orders/17?limit=10", method, headers, agent };
    request(options, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 200) resolve(performance.now() - start);
        else reject(new Error(`status ${response.statusCode}`));
      });
    })
      .on("error", reject)
      .end(method === "POST" ? body : undefined);
  });
}

try {
  console.log(
    `${requests} requests each, one after the other; a POST has ${body.length} bytes of JSON`,
  );
  for (const name of NAMES) {
    const address = addressOf(name);
    const appAddress = address.replace(".0.", ".1.");
    const application = await startApplication(name, appAddress, PORT);
    const envoy = await startEnvoy(
      bootstrapOf(objects, { pod: name, address, appAddress, labels: { app: name }, xds: AGENT }),
    );
    try {
      for (const method of ["GET", "POST"]) {
        const took: number[] = [];
        for (let index = -WARM_UP; index < requests; index++) {
          const milliseconds = await asked(address, method);
          if (index >= 0) took.push(milliseconds);
        }
        const [p50, p99] = [0.5, 0.99].map((q) => quantile(took, q).toFixed(2));
        console.log(`${name.padEnd(10)} ${method.padEnd(5)} p50 ${p50} ms, p99 ${p99} ms`);
      }
    } finally {
      await envoy.stop();
      await application.stop();
    }
  }
} finally {
  agent.destroy();
  server.forceShutdown();
  await checking.close();
}
