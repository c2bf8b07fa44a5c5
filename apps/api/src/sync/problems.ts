/** Failures of enrollment and of the agent link as the API's problems. */
import { syncCodes } from "@heddle/sync";
import type { ProblemKind } from "../http/codes.ts";
import { ProblemError, type ProblemOptions } from "../http/problem.ts";

export const syncProblemKinds = {
  HDL7009: { status: 403, title: "The token is of another mesh", remedy: syncCodes.HDL7009 },
  HDL7011: { status: 403, title: "The token is not an agent's", remedy: syncCodes.HDL7011 },
  HDL7012: { status: 401, title: "The join token is not valid", remedy: syncCodes.HDL7012 },
  HDL7013: { status: 404, title: "No such bundle", remedy: syncCodes.HDL7013 },
  HDL7016: { status: 426, title: "Upgrade required", remedy: "Connect with a WebSocket." },
} as const satisfies Record<string, ProblemKind>;

export function syncProblem(
  code: keyof typeof syncProblemKinds,
  detail: string,
  options?: ProblemOptions,
): ProblemError {
  return new ProblemError(code, syncProblemKinds[code], detail, options);
}
