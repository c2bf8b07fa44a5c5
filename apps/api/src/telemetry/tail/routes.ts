/** Log lines live, as server-sent events: `log` with one line, `skipped` with the number of lines left out. */

import { createRoute } from "@hono/zod-openapi";
import type { AppDeps } from "../../deps.ts";
import { requireScope } from "../../http/auth.ts";
import { bearer, createRouter, problemResponses } from "../../http/router.ts";
import { MeshParam } from "../../http/schemas.ts";
import { toLogLine } from "../log-line.ts";
import { logFilterOf } from "../query/routes.ts";
import { LogFilterQuery, LogLineSchema } from "../query/schemas.ts";
import { scopeOf } from "../query/service.ts";
import { logFilter } from "./log-filter.ts";
import type { LogTail } from "./log-tail.ts";

/** Proxies between cut silent connections; a comment now and then keeps this one. */
const heartbeatMs = 15_000;
/** Bytes that may wait for a slow reader before lines are left out. */
const highWaterBytes = 256 * 1024;

const getLogStream = createRoute({
  method: "get",
  path: "/v1/meshes/{mesh}/logs/stream",
  security: bearer,
  middleware: requireScope("read", "agent"),
  summary: "Log lines as they arrive",
  request: { params: MeshParam, query: LogFilterQuery },
  responses: {
    200: { description: "Events", content: { "text/event-stream": { schema: LogLineSchema } } },
    ...problemResponses,
  },
});

export function tailRoutes(_deps: AppDeps, tail: LogTail) {
  const app = createRouter();
  app.openapi(getLogStream, (c) => {
    const passes = logFilter(logFilterOf(c.req.valid("query")));
    const scope = scopeOf(c.var.mesh);
    let end: () => void = () => {};
    const stream = new ReadableStream<Uint8Array>(
      {
        start(controller) {
          const encoder = new TextEncoder();
          const send = (text: string) => controller.enqueue(encoder.encode(text));
          let owed = 0;
          send(": following\n\n");
          const stop = tail.follow(scope, passes, (lines, skipped) => {
            owed += skipped;
            if ((controller.desiredSize ?? 0) <= 0) {
              owed += lines.length;
              return;
            }
            let text = "";
            if (owed > 0) text += `event: skipped\ndata: {"count":${owed}}\n\n`;
            owed = 0;
            for (const line of lines)
              text += `event: log\ndata: ${JSON.stringify(toLogLine(line))}\n\n`;
            send(text);
          });
          const heartbeat = setInterval(() => send(": still here\n\n"), heartbeatMs);
          end = () => {
            clearInterval(heartbeat);
            stop();
          };
          c.req.raw.signal.addEventListener("abort", end);
        },
        cancel: () => end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: highWaterBytes }),
    );
    return new Response(stream, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      },
    }) as never;
  });
  return app;
}
