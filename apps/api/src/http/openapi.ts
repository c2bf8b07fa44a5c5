/** The API's own description, at `/v1/openapi.json`. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AppDeps } from "../deps.ts";
import type { Env } from "./router.ts";

/** Serves OpenAPI 3.1 made from the mounted routes. */
export function openApiRoute(app: OpenAPIHono<Env>, deps: AppDeps): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
  });
  app.doc31("/v1/openapi.json", () => ({
    openapi: "3.1.0",
    info: {
      title: "Heddle",
      version: deps.config.version,
      description:
        "Mesh configuration, certificates and telemetry. Errors are application/problem+json with a stable `code`; lists page with cursors; writes take Idempotency-Key and If-Match.",
    },
    // Never from the request: its Host is whatever the caller wants it to be.
    servers: [{ url: deps.config.publicUrl ?? "/" }],
  }));
}
