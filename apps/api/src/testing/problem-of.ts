/** For tests: the problem that a call was refused with. */
import { HeddleApiError, type Problem } from "@heddle/client";

/** Throws where it was not refused. */
export async function problemOf(call: Promise<unknown>): Promise<Problem> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof HeddleApiError))
    throw new Error(`Expected a refusal, got ${String(error)}.`);
  return error.problem;
}
