/** Schema of EnvoyFilter: every field of networking.istio.io/v1alpha3. The patches themselves are Envoy's. */
import { z } from "zod";
import type { EnvoyFilter } from "../kinds/envoy-filter.ts";
import { workloadLabels } from "./destination.ts";
import { fields, int32, optional, text, textMap, uint32 } from "./fields.ts";
import { targetRefs } from "./policy-target.ts";

const named = fields({ name: optional(text) });
const filter = fields({ name: optional(text), subFilter: optional(named) });

const listener = fields({
  portNumber: optional(uint32),
  portName: optional(text),
  filterChain: optional(
    fields({
      name: optional(text),
      sni: optional(text),
      transportProtocol: optional(text),
      applicationProtocols: optional(text),
      filter: optional(filter),
      destinationPort: optional(uint32),
      transportSocket: optional(text),
    }),
  ),
  listenerFilter: optional(text),
  name: optional(text),
});

const routeConfiguration = fields({
  portNumber: optional(uint32),
  portName: optional(text),
  gateway: optional(text),
  vhost: optional(
    fields({
      name: optional(text),
      domainName: optional(text),
      route: optional(
        fields({
          name: optional(text),
          action: optional(z.enum(["ANY", "ROUTE", "REDIRECT", "DIRECT_RESPONSE"])),
        }),
      ),
    }),
  ),
  name: optional(text),
});

const match = fields({
  context: optional(z.enum(["ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY", "WAYPOINT"])),
  proxy: optional(fields({ proxyVersion: optional(text), metadata: optional(textMap) })),
  listener: optional(listener),
  routeConfiguration: optional(routeConfiguration),
  cluster: optional(
    fields({
      portNumber: optional(uint32),
      service: optional(text),
      subset: optional(text),
      name: optional(text),
    }),
  ),
  waypoint: optional(
    fields({ portNumber: optional(uint32), filter: optional(filter), route: optional(named) }),
  ),
});

const patch = fields({
  operation: optional(
    z.enum([
      "INVALID",
      "MERGE",
      "ADD",
      "REMOVE",
      "INSERT_BEFORE",
      "INSERT_AFTER",
      "INSERT_FIRST",
      "REPLACE",
      "MERGE_AND_REPLACE_LIST",
    ]),
  ),
  value: optional(z.record(z.string(), z.unknown())),
  filterClass: optional(z.enum(["UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"])),
});

export const envoyFilterSchema: z.ZodType<EnvoyFilter> = fields({
  workloadSelector: optional(workloadLabels),
  targetRefs,
  configPatches: optional(
    z.array(
      fields({
        applyTo: optional(
          z.enum([
            "INVALID",
            "LISTENER",
            "FILTER_CHAIN",
            "NETWORK_FILTER",
            "HTTP_FILTER",
            "ROUTE_CONFIGURATION",
            "VIRTUAL_HOST",
            "HTTP_ROUTE",
            "CLUSTER",
            "EXTENSION_CONFIG",
            "BOOTSTRAP",
            "LISTENER_FILTER",
          ]),
        ),
        match: optional(match),
        patch: optional(patch),
      }),
    ),
  ),
  priority: optional(int32),
});
