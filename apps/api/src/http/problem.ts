/** Problem documents (RFC 9457): how every failure of the API looks. */
import type { ApiDiagnostic, Problem } from "@heddle/client";
import { problemKinds, type ProblemCode, type ProblemKind } from "./codes.ts";

export interface ProblemOptions {
  readonly diagnostics?: readonly ApiDiagnostic[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Thrown anywhere below a route; the app answers it as its problem document. */
export class ProblemError extends Error {
  readonly code: string;
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: string, kind: ProblemKind, detail: string, options: ProblemOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ProblemError";
    this.code = code;
    this.headers = options.headers ?? {};
    this.problem = {
      type: `/docs/errors/${code}`,
      title: kind.title,
      status: kind.status,
      detail,
      code,
      remedy: kind.remedy,
      ...(options.diagnostics ? { diagnostics: [...options.diagnostics] } : {}),
    };
  }
}

/** A problem of the table in `codes.ts`. Domains with codes of their own construct `ProblemError` themselves. */
export function problem(code: ProblemCode, detail: string, options?: ProblemOptions): ProblemError {
  return new ProblemError(code, problemKinds[code], detail, options);
}

/** The HTTP answer to a problem. */
export function problemResponse(error: ProblemError, requestId?: string): Response {
  return new Response(
    JSON.stringify({
      ...error.problem,
      ...(requestId ? { instance: `urn:request:${requestId}` } : {}),
    }),
    {
      status: error.problem.status,
      headers: { "content-type": "application/problem+json", ...error.headers },
    },
  );
}
