/** What a request to the plane fails with. */
import type { Problem } from "./types.ts";

/** The plane refused: `problem` says what, why and what to do; `code` is stable. */
export class HeddleApiError extends Error {
  override readonly name = "HeddleApiError";
  readonly problem: Problem;
  readonly code: string;
  readonly status: number;
  /** The plane's id of the request, for its logs. */
  readonly requestId: string | undefined;

  constructor(problem: Problem, requestId?: string) {
    super(problem.detail || problem.title);
    this.problem = problem;
    this.code = problem.code;
    this.status = problem.status;
    this.requestId = requestId;
  }
}

/** Reads a refusal; an answer that is no problem document (a proxy's, say) becomes one without a code. */
export async function readApiError(response: Response): Promise<HeddleApiError> {
  const fallback: Problem = {
    type: "about:blank",
    title: response.statusText || `HTTP ${response.status}`,
    status: response.status,
    detail: "",
    code: "",
  };
  const requestId = response.headers.get("x-request-id") ?? undefined;
  try {
    const body = (await response.json()) as Partial<Problem>;
    return new HeddleApiError({ ...fallback, ...body }, requestId);
  } catch {
    return new HeddleApiError(fallback, requestId);
  }
}
