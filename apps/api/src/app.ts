/** The plane's HTTP interface: one app for Node and the Worker, made of its domains' routes. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { configRoutes } from "./config/routes.ts";
import type { AppDeps } from "./deps.ts";
import { authentication, meshResolution } from "./http/auth.ts";
import { errorAnswer } from "./http/failures.ts";
import { healthRoutes } from "./http/health.ts";
import { methodNotAllowed, type Fallback } from "./http/methods.ts";
import { openApiRoute } from "./http/openapi.ts";
import { bodyLimit, requestId, securityHeaders } from "./http/request.ts";
import { createRouter, type Env } from "./http/router.ts";
import { authorityRoutes } from "./pki/authority-routes.ts";
import { bundleEndpoint } from "./pki/bundle-endpoint.ts";
import { federationRoutes } from "./pki/federation-routes.ts";
import { pkiRoutes } from "./pki/routes.ts";
import { clusterSummary } from "./sync/cluster-summary.ts";
import { syncRoutes } from "./sync/routes.ts";
import { telemetryRoutes } from "./telemetry/routes.ts";
import { tenancyRoutes } from "./tenancy/routes.ts";

export type App = OpenAPIHono<Env>;

/** A domain's routes, with whole paths. */
export type DomainRoutes = (deps: AppDeps) => OpenAPIHono<Env>;

export interface AppOptions {
  /** Routes that only one entry point has. */
  readonly extra?: readonly OpenAPIHono<Env>[];
  /** Answers where no route does. */
  readonly fallback?: Fallback | undefined;
}

/** In mounting order. */
const domains: readonly DomainRoutes[] = [
  healthRoutes,
  tenancyRoutes,
  configRoutes,
  syncRoutes,
  pkiRoutes,
  authorityRoutes,
  federationRoutes,
  bundleEndpoint,
  (deps) => telemetryRoutes(deps, (mesh) => clusterSummary(deps, mesh)),
];

/** Paths that need a token. */
const GUARDED = ["/v1/*", "/api/*", "/sampling"];

export function createApp(deps: AppDeps, options: AppOptions = {}): App {
  const app = createRouter();
  app.use(requestId());
  app.use(securityHeaders());
  for (const path of GUARDED) {
    app.use(path, bodyLimit(deps));
    app.use(path, authentication(deps));
  }
  app.use("/v1/meshes/:mesh", meshResolution(deps));
  app.use("/v1/meshes/:mesh/*", meshResolution(deps));
  for (const routes of domains) app.route("/", routes(deps));
  for (const routes of options.extra ?? []) app.route("/", routes);
  openApiRoute(app, deps);
  app.onError(errorAnswer(deps));
  app.notFound(methodNotAllowed(app, options.fallback));
  return app;
}
