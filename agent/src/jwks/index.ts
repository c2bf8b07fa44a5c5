/** Keys of the issuers of tokens. */
export { createIssuersKeys, type IssuerNumbers, KEPT_KEYS } from "./issuers-keys.ts";
export { refreshAfter, type RefreshTimes } from "./refresh.ts";
export { JwksError } from "./jwks-error.ts";
export { type FetchOptions, guardedFetch, type Resolve } from "./guarded-fetch.ts";
export { serviceNamed } from "./cluster-services.ts";
export { type AllowedHosts, createGuard, type Guard, parseAllowed } from "./guard.ts";
