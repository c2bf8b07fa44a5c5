/** Schemas of ReferenceGrant and BackendTLSPolicy. */
import { z } from "zod";
import type { BackendTLSPolicy, ReferenceGrant } from "../../kinds/gateway-api/policy.ts";
import { fields, optional } from "../fields.ts";
import {
  formed,
  group,
  hostname,
  kindName,
  list,
  localReference,
  mapOf,
  namespaceName,
  objectName,
  preciseHostname,
  sectionName,
} from "./fields.ts";

const WELL_KNOWN =
  /^(?:System|[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/(?:[A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])$/;
const URI = /^[^:/?#]+:\/\/[^/?#]*[^?#]*(?:\?[^#]*)?(?:#.*)?/;

export const referenceGrantSchema: z.ZodType<ReferenceGrant> = fields({
  from: list(fields({ group, kind: kindName, namespace: namespaceName }), 16, 1),
  to: list(fields({ group, kind: kindName, name: optional(objectName) }), 16, 1),
});

export const backendTlsPolicySchema: z.ZodType<BackendTLSPolicy> = fields({
  targetRefs: list(
    fields({ group, kind: kindName, name: objectName, sectionName: optional(sectionName) }),
    16,
    1,
  ),
  validation: fields({
    caCertificateRefs: optional(list(localReference, 8)),
    wellKnownCACertificates: optional(
      formed(WELL_KNOWN, 253, "a set of certificates", "HDL0013", "Give System."),
    ),
    hostname: preciseHostname,
    subjectAltNames: optional(
      list(
        fields({
          type: z.enum(["Hostname", "URI"]),
          hostname: optional(hostname),
          uri: optional(formed(URI, 253, "a URI with a scheme and a host", "HDL0028")),
        }),
        5,
      ),
    ),
  }),
  options: optional(mapOf(16)),
});
