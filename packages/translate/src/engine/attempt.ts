/** Lets a collection go on without a member that failed. */
import { DerivationFailed } from "./shared-value.ts";

/** Undefined where a derivation failed and never had a value; it is reported where it failed. Other errors are thrown. */
export function attempt<T>(get: () => T): T | undefined {
  try {
    return get();
  } catch (error) {
    if (error instanceof DerivationFailed) return undefined;
    throw error;
  }
}
