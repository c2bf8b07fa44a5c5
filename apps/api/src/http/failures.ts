/** What went wrong below a route, as a problem: known failures by their code, all else as HDL1000 with nothing of it shown. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { PkiError } from "@heddle/pki";
import type { AppDeps } from "../deps.ts";
import { pkiProblem } from "../pki/problems.ts";
import { problem, ProblemError, problemResponse } from "./problem.ts";
import type { Env } from "./router.ts";

export function errorAnswer(deps: AppDeps) {
  return (error: Error, c: Context<Env>): Response => {
    const known = asProblem(error);
    if (known.code === "HDL1000")
      deps.log.error("request failed", {
        requestId: c.var.requestId,
        method: c.req.method,
        path: c.req.path,
        error: error.stack ?? String(error),
      });
    // Its answer does not say which of the many ways it was.
    if (known.code === "HDL1050")
      deps.log.warn("the database does not answer", {
        requestId: c.var.requestId,
        error: String(known.cause),
      });
    return problemResponse(known, c.var.requestId);
  };
}

/** Finds the problem in an error and in what caused it. */
export function asProblem(error: unknown): ProblemError {
  for (let at = error, depth = 0; at instanceof Error && depth < 6; at = at.cause, depth++) {
    if (at instanceof ProblemError) return at;
    if (at instanceof PkiError) return pkiProblem(at);
    if (at instanceof HTTPException) return fromHttpException(at);
    if (at instanceof SyntaxError && /JSON/.test(at.message)) return problem("HDL1003", at.message);
    const code = "code" in at && typeof at.code === "string" ? at.code : "";
    if (DISK_FULL.test(code) || DISK_FULL.test(at.message))
      return problem("HDL1051", "The database could not write: no space is left.", {
        cause: error,
      });
    if (UNREACHABLE.test(code))
      return problem("HDL1050", "The database does not answer.", {
        cause: error,
        headers: { "retry-after": "1" },
      });
  }
  return problem("HDL1000", "Something failed that should not.", { cause: error });
}

/** Whether it failed because there is no room to write. */
export function isDiskFull(error: unknown): boolean {
  return asProblem(error).code === "HDL1051";
}

/** ENOSPC, and Postgres' class 53 for disk_full. */
const DISK_FULL = /^(ENOSPC|53100)$|ENOSPC|No space left on device/;

/** Refused or lost connections, and Postgres' class 08 and its shutting down. */
const UNREACHABLE =
  /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|CONNECTION_(CLOSED|ENDED|DESTROYED)|CONNECT_TIMEOUT|08\w{3}|57P0[123]|53300)$/;

/** Hono throws these itself, for malformed JSON before validation. */
function fromHttpException(error: HTTPException): ProblemError {
  if (error.status === 400 && /JSON/i.test(error.message)) return problem("HDL1003", error.message);
  if (error.status === 413) return problem("HDL1005", error.message || "The body is too large.");
  if (error.status === 415) return problem("HDL1006", error.message);
  if (error.status < 500) return problem("HDL1004", error.message);
  return problem("HDL1000", "Something failed that should not.", { cause: error });
}
