/** What says where the trust bundle of another trust domain comes from. */
import { z } from "@hono/zod-openapi";
import { MAX_BUNDLE_CHARACTERS } from "@heddle/pki";

const roots = z.string().min(1).max(MAX_BUNDLE_CHARACTERS);

/** Agents judge its address when they ask: see decision 24. */
const url = z
  .url({ protocol: /^https$/, error: "a bundle endpoint is a URL of https" })
  .max(2048)
  .refine((text) => {
    const url = URL.parse(text);
    return !url?.username && !url?.password;
  }, "a bundle endpoint's URL has neither a user nor a password")
  .openapi({ example: "https://spire.partner.example:8443" });

export const GivenBundleSchema = z.strictObject({ kind: z.literal("bundle"), bundle: roots });

export const BundleEndpointSchema = z.union([
  z.strictObject({ kind: z.literal("endpoint"), profile: z.literal("https_web"), url }),
  z.strictObject({
    kind: z.literal("endpoint"),
    profile: z.literal("https_spiffe"),
    url,
    endpointSpiffeId: z
      .string()
      .max(2048)
      .regex(/^spiffe:\/\/[a-z0-9._-]+(\/[a-zA-Z0-9._-]+)+$/, "this is no SPIFFE id"),
    bootstrap: roots,
  }),
]);

export const NewFederationSchema = z
  .union([
    z.strictObject({ kind: z.literal("mesh"), mesh: z.uuid() }),
    GivenBundleSchema,
    BundleEndpointSchema,
  ])
  .openapi("NewFederation");
