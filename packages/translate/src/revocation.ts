/**
 * Ends connections whose handshake was before the last revocation. Envoy verifies when hands are shaken and never again, but drains
 * what it has of a filter chain, and leaves a cluster's connections, when that has changed: so they carry a mark that does.
 */
import type { Metadata } from "@heddle/envoy/config/core/v3";
import type { ModelReader } from "./read.ts";
import { METADATA_NAMESPACE } from "./telemetry/peer.ts";

/** Of a filter chain or a cluster with mutual TLS of the mesh. */
export function marked<Resource extends { readonly metadata?: Metadata | undefined }>(
  read: ModelReader,
  resource: Resource,
): Resource {
  const revocation = read.revocation();
  if (revocation === undefined) return resource;
  const { filterMetadata = {} } = resource.metadata ?? {};
  const ours = { ...filterMetadata[METADATA_NAMESPACE], revocation };
  return {
    ...resource,
    metadata: {
      ...resource.metadata,
      filterMetadata: { ...filterMetadata, [METADATA_NAMESPACE]: ours },
    },
  };
}
