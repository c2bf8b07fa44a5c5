/** Tells a path that does not exist (404) from a method that its path does not have (405, with Allow). */
import type { Context, Hono } from "hono";
import { problem, problemResponse } from "./problem.ts";
import type { Env } from "./router.ts";

const METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"];

/** What answers where no route does: the console's pages on Node. */
export type Fallback = (request: Request) => Response | undefined;

export function methodNotAllowed(app: Hono<Env>, fallback: Fallback | undefined) {
  return (c: Context<Env>): Response => {
    const allowed = METHODS.filter(
      (method) => method !== c.req.method && handles(app, method, c.req.path),
    );
    if (allowed.length === 0)
      return (
        (isApi(c.req.path) ? undefined : fallback?.(c.req.raw)) ??
        problemResponse(problem("HDL1001", `There is nothing at ${c.req.path}.`), c.var.requestId)
      );
    if (allowed.includes("GET")) allowed.push("HEAD");
    const error = problem("HDL1002", `${c.req.path} does not take ${c.req.method}.`, {
      headers: { allow: allowed.join(", ") },
    });
    return problemResponse(error, c.var.requestId);
  };
}

const isApi = (path: string) => /^\/(v1|api|docs\/errors)(\/|$)/.test(path);

/** Whether a route proper, not only middleware, answers. */
function handles(app: Hono<Env>, method: string, path: string): boolean {
  return app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
}
