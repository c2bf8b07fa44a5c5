/** Telemetry in: OTLP over HTTP, and Zipkin's spans. */

import { encodeExportAnswer, encodeExportAnswerJson, type OtlpSignal } from "@heddle/telemetry";
import type { Context } from "hono";
import type { AppDeps } from "../../deps.ts";
import { checkScope } from "../../http/auth.ts";
import { createRouter, type Env } from "../../http/router.ts";
import { findMesh } from "../../tenancy/mesh-store.ts";
import { telemetryProblem } from "../problems.ts";
import type { TelemetryScope } from "../telemetry-store.ts";
import { batchHeader, readBatchId } from "./batch-id.ts";
import { readBody } from "./body.ts";
import { bodyFormat, decodeBody, decodeZipkinBody } from "./decode.ts";
import type { Ingest, Ingested } from "./ingest.ts";

const signals: readonly OtlpSignal[] = ["traces", "metrics", "logs"];

/** Token, mesh, content type and size are checked before anything is decoded. */
export function ingestRoutes(deps: AppDeps, ingest: Ingest) {
  const app = createRouter();
  for (const signal of signals) {
    app.post(`/v1/otlp/v1/${signal}`, async (c) => {
      const scope = await scopeOf(deps, c);
      const format = bodyFormat(c.req.header("content-type"));
      const id = readBatchId(c.req.header(batchHeader), c.var.actor.token);
      const body = await readBody(c.req.raw);
      return answer(
        signal,
        format,
        await ingest.accept(scope, signal, decodeBody(signal, format, body), id),
      );
    });
  }
  app.post("/api/v2/spans", async (c) => {
    const scope = await scopeOf(deps, c);
    if (bodyFormat(c.req.header("content-type")) !== "json")
      throw telemetryProblem("HDL5112", "Zipkin spans are taken as JSON alone.");
    await ingest.accept(scope, "traces", decodeZipkinBody(await readBody(c.req.raw)));
    return c.body(null, 202);
  });
  return app;
}

function answer(
  signal: OtlpSignal,
  format: "protobuf" | "json",
  { rejected, reason, stored }: Ingested,
): Response {
  const headers = stored ? {} : { "x-heddle-duplicate": "true" };
  return format === "json"
    ? new Response(encodeExportAnswerJson(signal, rejected, reason), {
        headers: { ...headers, "content-type": "application/json" },
      })
    : new Response(new Uint8Array(encodeExportAnswer(rejected, reason)), {
        headers: { ...headers, "content-type": "application/x-protobuf" },
      });
}

/** The mesh that a header names, or the only one that the token opens. */
async function scopeOf(deps: AppDeps, c: Context<Env>): Promise<TelemetryScope> {
  checkScope(c, "agent", "write");
  const { actor } = c.var;
  const named =
    c.req.header("x-heddle-mesh") ?? (actor.meshes?.length === 1 ? actor.meshes[0] : undefined);
  if (named === undefined)
    throw telemetryProblem("HDL5114", "The token opens several meshes and the request names none.");
  const mesh = await findMesh(deps.db, actor.tenant, named);
  if (!mesh || (actor.meshes && !actor.meshes.includes(mesh.id)))
    throw telemetryProblem("HDL5114", `There is no mesh ${JSON.stringify(named)} for this token.`);
  return { tenant: actor.tenant, mesh: mesh.id };
}
