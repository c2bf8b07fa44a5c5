/** The plane's HTTP interface: one app for Node and the Worker, made of its domains' routes. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { configRoutes } from "./config/routes.ts";
import type { AppDeps } from "./deps.ts";
import { authentication, meshResolution } from "./http/auth.ts";
import { errorAnswer } from "./http/failures.ts";
import { healthRoutes } from "./http/health.ts";
import { methodNotAllowed } from "./http/methods.ts";
import { openApiRoute } from "./http/openapi.ts";
import { bodyLimit, requestId, securityHeaders } from "./http/request.ts";
import { createRouter, type Env } from "./http/router.ts";
import { tenancyRoutes } from "./tenancy/routes.ts";

export type App = OpenAPIHono<Env>;

/** A domain's routes, with whole paths. */
export type DomainRoutes = (deps: AppDeps) => OpenAPIHono<Env>;

/** Builds the app. `extra` are routes that only one entry point has. */
export function createApp(deps: AppDeps, extra: readonly OpenAPIHono<Env>[] = []): App {
  const app = createRouter();
  app.use(requestId());
  app.use(securityHeaders());
  app.use("/v1/*", bodyLimit(deps));
  app.use("/v1/*", authentication(deps));
  app.use("/v1/meshes/:mesh", meshResolution(deps));
  app.use("/v1/meshes/:mesh/*", meshResolution(deps));
  for (const routes of domains) app.route("/", routes(deps));
  for (const routes of extra) app.route("/", routes);
  openApiRoute(app, deps);
  app.onError(errorAnswer(deps));
  app.notFound(methodNotAllowed(app));
  return app;
}

/** In mounting order. */
const domains: readonly DomainRoutes[] = [healthRoutes, tenancyRoutes, configRoutes];
