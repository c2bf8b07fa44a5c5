/** Schema of RequestAuthentication: every field of security.istio.io/v1 and v1beta1. */
import { z } from "zod";
import type { RequestAuthentication } from "../kinds/request-authentication.ts";
import { bool, duration, fields, matching, optional, text } from "./fields.ts";
import { policyTarget } from "./policy-target.ts";

const some = text.min(1);
const somes = optional(z.array(some));

const jwtRule = fields({
  issuer: optional(some),
  audiences: somes,
  jwksUri: optional(text.min(1).max(2048)),
  jwks: optional(text),
  fromHeaders: optional(z.array(fields({ name: some, prefix: optional(text) }))),
  fromParams: somes,
  fromCookies: somes,
  outputPayloadToHeader: optional(text),
  outputClaimToHeaders: optional(
    z.array(
      fields({
        header: matching(
          /^[-_A-Za-z0-9]+$/,
          "a header's name",
          "Use letters, digits, - and _.",
        ).min(1),
        claim: some,
      }),
    ),
  ),
  forwardOriginalToken: optional(bool),
  timeout: optional(duration),
  spaceDelimitedClaims: optional(z.array(some).max(64)),
  presence: optional(z.enum(["OPTIONAL", "REQUIRED"])),
});

export const requestAuthenticationSchema: z.ZodType<RequestAuthentication> = fields({
  ...policyTarget,
  jwtRules: optional(z.array(jwtRule).max(4096)),
});
