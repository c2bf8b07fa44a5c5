/** Keys of the issuers of tokens. */
export { createIssuersKeys, type IssuerNumbers, KEPT_KEYS } from "./issuers-keys.ts";
export type { RefreshTimes } from "./refresh.ts";
export { serviceNamed } from "./cluster-services.ts";
export { type AllowedHosts, createGuard, parseAllowed } from "./guard.ts";
