export { canonicalJson } from "./canonical.ts";
export { objectHash, sha256 } from "./digest.ts";
export {
  hashSchema,
  headerBytes,
  headerHash,
  NO_PARENT,
  type RevisionHeader,
  revisionHeaderSchema,
} from "./header.ts";
export { objectStateKey, overlayStateKey, stateRoot } from "./state-root.ts";
export {
  type Cohort,
  cohortSchema,
  nextExpiry,
  type Overlay,
  overlaySchema,
  overlaysInForce,
} from "./overlay.ts";
export * from "./backoff.ts";
export * from "./session.ts";
export * from "./replica.ts";
export * from "./room.ts";
export {
  generateSigningKey,
  importSigner,
  importVerifier,
  keyId,
  type PublicSigningKey,
  publicKeySchema,
  signatureSchema,
  signHeader,
  signKeyRotation,
  verifyHeader,
  verifyKeyRotation,
} from "./signing.ts";
export { type SyncCode, syncCodes, SyncError } from "./sync-error.ts";
export { type Effect, effectSchema, MAX_EFFECT } from "./effect.ts";
export { type AccessAnswer, accessAnswerSchema, accessQuestionSchema } from "./access.ts";
export * from "./frames.ts";
export * from "./bundle.ts";
export { partsOf } from "./frame-parts.ts";
export * from "./room-clusters.ts";
export * from "./shared-item.ts";
export * from "./shared-set.ts";
export {
  AUTHORITY,
  EFFECTS,
  EXPLAINS,
  FEATURES,
  missingFeatures,
  negotiate,
  PROTOCOLS,
  SHARING,
} from "./protocol.ts";
