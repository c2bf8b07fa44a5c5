/** Everything of telemetry over HTTP; where the plane keeps none, each route says so. */

import type { AppDeps } from "../deps.ts";
import { createRouter } from "../http/router.ts";
import { createIngest } from "./ingest/ingest.ts";
import { ingestRoutes } from "./ingest/routes.ts";
import { telemetryProblem } from "./problems.ts";
import type { MeshRegistry } from "./query/registry.ts";
import { queryRoutes } from "./query/routes.ts";
import { createQueries } from "./query/service.ts";
import { createLogTail } from "./tail/log-tail.ts";
import { tailRoutes } from "./tail/routes.ts";

/** `registry` tells of services that had no traffic. */
export function telemetryRoutes(
  deps: AppDeps,
  registry: MeshRegistry = () => Promise.resolve({ services: [], workloads: [] }),
) {
  const app = createRouter();
  const store = deps.telemetry;
  if (!store) {
    for (const path of paths) {
      app.all(path, () => {
        throw telemetryProblem("HDL5119", "This plane has no telemetry store.");
      });
    }
    return app;
  }
  const tail = createLogTail(deps.clock);
  const ingest = createIngest(store, deps.clock, (scope, logs) => tail.publish(scope, logs));
  app.route("/", ingestRoutes(deps, ingest));
  app.route("/", tailRoutes(deps, tail));
  app.route("/", queryRoutes(deps, createQueries(store, registry)));
  return app;
}

const paths = [
  "/v1/otlp/*",
  "/api/v2/spans",
  ...[
    "graph",
    "services",
    "services/:host",
    "workloads",
    "mtls",
    "traces",
    "traces/:id",
    "logs",
    "logs/stream",
    "series",
  ].map((path) => `/v1/meshes/:mesh/${path}`),
];
