/** Tells a path that does not exist (404) from a method that its path does not have (405, with Allow). */
import type { Context, Hono } from "hono";
import { problem, problemResponse } from "./problem.ts";
import type { Env } from "./router.ts";

const METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"];

export function methodNotAllowed(app: Hono<Env>) {
  return (c: Context<Env>): Response => {
    const allowed = METHODS.filter(
      (method) => method !== c.req.method && handles(app, method, c.req.path),
    );
    if (allowed.length === 0)
      return problemResponse(
        problem("HDL1001", `There is nothing at ${c.req.path}.`),
        c.var.requestId,
      );
    if (allowed.includes("GET")) allowed.push("HEAD");
    const error = problem("HDL1002", `${c.req.path} does not take ${c.req.method}.`, {
      headers: { allow: allowed.join(", ") },
    });
    return problemResponse(error, c.var.requestId);
  };
}

/** Whether a route proper, not only middleware, answers. */
function handles(app: Hono<Env>, method: string, path: string): boolean {
  return app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
}
