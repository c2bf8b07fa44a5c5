/** Failures of enrollment and of the agent link as the API's problems. */
import { syncCodes, type SyncCode } from "@heddle/sync";
import { ProblemError } from "../http/problem.ts";

const kinds = {
  HDL7009: { status: 403, title: "The token is of another mesh" },
  HDL7011: { status: 403, title: "The token is not an agent's" },
  HDL7012: { status: 401, title: "The join token is not valid" },
  HDL7013: { status: 404, title: "No such bundle" },
} as const satisfies Partial<Record<SyncCode, { status: number; title: string }>>;

export function syncProblem(code: keyof typeof kinds, detail: string): ProblemError {
  return new ProblemError(code, { ...kinds[code], remedy: syncCodes[code] }, detail);
}

/** `GET /v1/sync` without an upgrade. */
export function upgradeRequired(): ProblemError {
  const kind = {
    status: 426,
    title: "Upgrade required",
    remedy: "Connect with a WebSocket.",
  };
  return new ProblemError("HDL7016", kind, "GET /v1/sync is a WebSocket.", {
    headers: { upgrade: "websocket" },
  });
}
