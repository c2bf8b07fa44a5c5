/** The router: takes the request to the cluster that its route names. */
import { extension } from "../typed-config.ts";
import type { HttpFeature } from "./http-feature.ts";
import { ROUTER_FILTER } from "./names.ts";

const FILTER = extension(ROUTER_FILTER, "envoy.extensions.filters.http.router.v3.Router", {});

export const routerFilter = {
  name: "router",
  filters: () => [FILTER],
} satisfies HttpFeature;
