/** Schemas of GatewayClass, Gateway and ListenerSet: every field of the experimental channel. */
import { z } from "zod";
import type {
  FrontendTLSSettings,
  Gateway,
  GatewayClass,
  Listener,
  ListenerSet,
} from "../../kinds/gateway-api/gateway.ts";
import { fields, optional } from "../fields.ts";
import {
  formed,
  group,
  hostname,
  kindName,
  labelSelector,
  list,
  localReference,
  mapOf,
  namespaceName,
  objectName,
  objectReference,
  port,
  secretReference,
  sectionName,
} from "./fields.ts";

const CONTROLLER =
  /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/;
const PROTOCOL =
  /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$|^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$/;
const ADDRESS_TYPE =
  /^(?:Hostname|IPAddress|NamedAddress|[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+)$/;

export const gatewayClassSchema: z.ZodType<GatewayClass> = fields({
  controllerName: formed(
    CONTROLLER,
    253,
    "a controller's name",
    "HDL0017",
    "Write domain/path, such as heddle.dev/gateway-controller.",
  ),
  parametersRef: optional(objectReference),
  description: optional(z.string().max(64)),
});

const listener: z.ZodType<Listener> = fields({
  name: sectionName,
  hostname: optional(hostname),
  port: optional(port),
  protocol: formed(PROTOCOL, 255, "a protocol", "HDL0013", "Give HTTP, HTTPS, TLS, TCP or UDP."),
  tls: optional(
    fields({
      mode: optional(z.enum(["Terminate", "Passthrough"])),
      certificateRefs: optional(list(secretReference, 64)),
      options: optional(mapOf(16)),
    }),
  ),
  allowedRoutes: optional(
    fields({
      namespaces: optional(
        fields({
          from: optional(z.enum(["All", "Selector", "Same"])),
          selector: optional(labelSelector),
        }),
      ),
      kinds: optional(list(fields({ group: optional(group), kind: kindName }), 8)),
    }),
  ),
});

const frontendTls: z.ZodType<FrontendTLSSettings> = fields({
  validation: optional(
    fields({
      caCertificateRefs: list(objectReference, 16, 1),
      mode: optional(z.enum(["AllowValidOnly", "AllowInsecureFallback"])),
    }),
  ),
});

export const kubernetesGatewaySchema: z.ZodType<Gateway> = fields({
  gatewayClassName: objectName,
  listeners: list(listener, 64, 1),
  addresses: optional(
    list(
      fields({
        type: optional(formed(ADDRESS_TYPE, 253, "a type of address", "HDL0013")),
        value: optional(z.string().max(253)),
      }),
      16,
    ),
  ),
  infrastructure: optional(
    fields({
      labels: optional(mapOf(8)),
      annotations: optional(mapOf(16)),
      parametersRef: optional(localReference),
    }),
  ),
  allowedListeners: optional(
    fields({
      namespaces: optional(
        fields({
          from: optional(z.enum(["All", "Selector", "Same", "None"])),
          selector: optional(labelSelector),
        }),
      ),
    }),
  ),
  tls: optional(
    fields({
      backend: optional(fields({ clientCertificateRef: optional(secretReference) })),
      frontend: optional(
        fields({
          default: frontendTls,
          perPort: optional(list(fields({ port, tls: frontendTls }), 64)),
        }),
      ),
    }),
  ),
  defaultScope: optional(z.enum(["All", "None"])),
});

export const listenerSetSchema: z.ZodType<ListenerSet> = fields({
  parentRef: fields({
    group: optional(group),
    kind: optional(kindName),
    namespace: optional(namespaceName),
    name: objectName,
  }),
  listeners: list(listener, 64, 1),
});
