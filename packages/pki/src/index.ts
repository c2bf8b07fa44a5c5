export { type PkiCode, pkiCodes, PkiError } from "./pki-error.ts";
export { assertTrustDomain, parseSpiffeId, spiffeId, type WorkloadIdentity } from "./spiffe.ts";
export { exportPrivateKey, generateKeyPair, importPrivateKey } from "./keys.ts";
export { assertOwnNames, assertServerNames, workloadName } from "./own-names.ts";
export { describeCertificate, type DescribedCertificate } from "./described.ts";
export { readSvid, type Svid } from "./svid.ts";
export { createRequest, type ReadRequest, readRequest } from "./csr.ts";
export {
  type Authority,
  CLOCK_SKEW,
  createRoot,
  INTERMEDIATE_LIFETIME,
  type IssuedCertificate,
  issueIntermediate,
  issueLeaf,
  LEAF_LIFETIME,
  LEAF_LIFETIME_BOUNDS,
  openAuthority,
  permitsDnsName,
  ROOT_LIFETIME,
} from "./authority.ts";
export { createServerAuthority, issueServerCertificate, type KeptKeyPair } from "./server.ts";
export {
  type AuthorityChain,
  createAuthorityRequest,
  readAuthorityChain,
} from "./authority-chain.ts";
export {
  BUNDLE_REFRESH_HINT,
  MAX_BUNDLE_CHARACTERS,
  readBundle,
  type SpiffeBundle,
  type TrustDomainBundle,
  writeBundle,
} from "./bundle.ts";
export { fingerprintOf, fingerprintsOf, splitPem } from "./pem.ts";
export {
  type CertificateKind,
  EXPIRY_ORDER,
  type ExpiryLevel,
  expiryLevel,
  type ExpiryRule,
} from "./expiry.ts";
export { createEnvelope, type Envelope, layeredEnvelope } from "./envelope.ts";
export {
  ASKED_AGAIN_AFTER,
  createKmsEnvelope,
  DATA_KEY_FRESH,
  DATA_KEY_KEPT,
  type KeyService,
} from "./kms-envelope.ts";
export {
  afterStep,
  type Follower,
  type HeldTrust,
  type Holder,
  holdersOf,
  inForce,
  type InForce,
  reversed,
  type Rotation,
  type RotationRoots,
  type RotationStep,
} from "./rotation.ts";
