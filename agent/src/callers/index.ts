/** Who calls on the TLS port. */
export { authenticated, callerOf } from "./call-authentication.ts";
export { CallerRefused } from "./caller-refused.ts";
export type { AccountToken } from "./account-token.ts";
export {
  type Caller,
  type CallerNumbers,
  type Callers,
  createCallers,
  type MachineAccount,
  type MachineAccounts,
} from "./callers.ts";
export { createClusterKeys } from "./cluster-keys.ts";
export { beforeExpiry } from "./expiry.ts";
export { claimAccount, provenProxy } from "./proven-proxy.ts";
export { senderOf } from "./sender.ts";
export { createTokenReview } from "./token-review.ts";
