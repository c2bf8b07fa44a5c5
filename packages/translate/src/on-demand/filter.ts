/** The filter that asks for a virtual host which the table does not have. */
import type { OnDemand } from "@heddle/envoy/extensions/filters/http/on_demand/v3";
import type { HttpFeature } from "../filter/http-feature.ts";
import { extension } from "../typed-config.ts";

/**
 * How long a request waits for the virtual host that it asked for. Envoy has no time-out for that but the one for silent streams,
 * which routes lift again for requests that have found theirs.
 */
export const ASKING_TIMEOUT = "10s";

export const onDemandFilter: HttpFeature = {
  name: "on demand",
  filters: ({ onDemand }) =>
    onDemand
      ? [
          extension<OnDemand>(
            "envoy.filters.http.on_demand",
            "envoy.extensions.filters.http.on_demand.v3.OnDemand",
            {},
          ),
        ]
      : [],
};
