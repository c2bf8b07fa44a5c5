/** Whether a request or connection was refused by what guards its destination. */
import type { LogEntry } from "./access-log.ts";
import { authorizationFields, authorizationSources } from "./authorization.ts";
import { validationFields } from "./request-validation.ts";

/** What Envoy's details begin with where a token is missing or not valid. */
export const NO_TOKEN = "jwt_authn_access_denied";

export function wasRefused({ attributes }: Pick<LogEntry, "attributes">): boolean {
  return (
    attributes[authorizationFields.decision] !== undefined ||
    attributes[validationFields.decision] === "refused" ||
    String(attributes[authorizationSources.details] ?? "").startsWith(NO_TOKEN)
  );
}
