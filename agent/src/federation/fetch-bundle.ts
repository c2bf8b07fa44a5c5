/** Asks a SPIFFE bundle endpoint for the bundle of its trust domain: SPIFFE Trust Domain and Bundle, section 5. */
import type { PeerCertificate } from "node:tls";
import type { BundleEndpoint } from "@heddle/client";
import { readBundle, readSvid, type TrustDomainBundle } from "@heddle/pki";
import { type FetchOptions, guardedFetch } from "../jwks/index.ts";

export interface BundleRequest {
  readonly trustDomain: string;
  readonly endpoint: BundleEndpoint;
  /** PEM of the roots that an endpoint of `https_spiffe` is known by now. */
  readonly roots: string;
}

/** Throws a `JwksError` of the guard or the transport, and what `readBundle` throws. */
export async function fetchBundle(
  { trustDomain, endpoint, roots }: BundleRequest,
  options: Pick<FetchOptions, "guard" | "signal" | "resolve">,
): Promise<TrustDomainBundle> {
  const { text } = await guardedFetch(new URL(endpoint.url), {
    ...options,
    // Whoever is led elsewhere has been told nothing by whom he has asked.
    redirects: 0,
    ...(endpoint.profile === "https_spiffe"
      ? { server: { ca: roots, checkServerIdentity: proves(endpoint.endpointSpiffeId) } }
      : {}),
  });
  return readBundle(text, { trustDomain, now: Date.now() });
}

/** Section 5.2.2: the server's name is its SPIFFE id, whatever its host is called. Its chain has been verified by then. */
function proves(spiffeId: string) {
  return (_host: string, { raw }: PeerCertificate): Error | undefined => {
    try {
      const shown = readSvid(raw.toString("base64")).spiffeId;
      return shown === spiffeId ? undefined : new Error(`it is ${shown}, and not ${spiffeId}`);
    } catch (error) {
      return new Error(`it shows no X.509-SVID: ${String(error)}`, { cause: error });
    }
  };
}
