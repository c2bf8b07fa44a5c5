/** The console's addresses. Every page is a chunk of its own, loaded when it is first opened or pointed at. */
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from "@tanstack/react-router";
import { PageBroken } from "../ui/page-broken.tsx";
import { PageMissing } from "../ui/page-missing.tsx";
import { PagePending } from "../ui/page-pending.tsx";
import { Frame } from "../shell/frame.tsx";
import { formatQueryString, parseQueryString, readPageSearch } from "./page-search.ts";

const rootRoute = createRootRoute({
  component: Frame,
  validateSearch: readPageSearch,
  search: { middlewares: [retainSearchParams(["range", "from", "to"])] },
});

const overview = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  component: lazyRouteComponent(() => import("../overview/overview-page.tsx"), "OverviewPage"),
});
const mesh = createRoute({ getParentRoute: () => rootRoute, path: "/m/$mesh" });
const meshOverview = createRoute({
  getParentRoute: () => mesh,
  path: "/",
  component: lazyRouteComponent(() => import("../overview/overview-page.tsx"), "OverviewPage"),
});
const graph = createRoute({
  getParentRoute: () => mesh,
  path: "/graph",
  component: lazyRouteComponent(() => import("../graph/graph-page.tsx"), "GraphPage"),
});
const services = createRoute({
  getParentRoute: () => mesh,
  path: "/services",
  component: lazyRouteComponent(() => import("../services/services-page.tsx"), "ServicesPage"),
});
const service = createRoute({
  getParentRoute: () => mesh,
  path: "/services/$service",
  component: lazyRouteComponent(() => import("../service/service-page.tsx"), "ServicePage"),
});
const traces = createRoute({
  getParentRoute: () => mesh,
  path: "/traces",
  component: lazyRouteComponent(() => import("../trace/traces-page.tsx"), "TracesPage"),
});
const trace = createRoute({
  getParentRoute: () => mesh,
  path: "/traces/$id",
  component: lazyRouteComponent(() => import("../trace/trace-page.tsx"), "TracePage"),
});
const logs = createRoute({
  getParentRoute: () => mesh,
  path: "/logs",
  component: lazyRouteComponent(() => import("../logs/logs-page.tsx"), "LogsPage"),
});
const config = createRoute({
  getParentRoute: () => mesh,
  path: "/config",
  component: lazyRouteComponent(() => import("../config/objects-page.tsx"), "ObjectsPage"),
});
const newObject = createRoute({
  getParentRoute: () => mesh,
  path: "/config/new",
  component: lazyRouteComponent(() => import("../config/new-object-page.tsx"), "NewObjectPage"),
});
const object = createRoute({
  getParentRoute: () => mesh,
  path: "/config/$kind/$ns/$name",
  component: lazyRouteComponent(() => import("../config/object-page.tsx"), "ObjectPage"),
});
const revisions = createRoute({
  getParentRoute: () => mesh,
  path: "/revisions",
  component: lazyRouteComponent(() => import("../revisions/revisions-page.tsx"), "RevisionsPage"),
});
const revision = createRoute({
  getParentRoute: () => mesh,
  path: "/revisions/$number",
  component: lazyRouteComponent(() => import("../revisions/revision-page.tsx"), "RevisionPage"),
});
const proxies = createRoute({
  getParentRoute: () => mesh,
  path: "/proxies",
  component: lazyRouteComponent(() => import("../fleet/proxies-page.tsx"), "ProxiesPage"),
});
const agents = createRoute({
  getParentRoute: () => mesh,
  path: "/agents",
  component: lazyRouteComponent(() => import("../fleet/agents-page.tsx"), "AgentsPage"),
});
const security = createRoute({
  getParentRoute: () => mesh,
  path: "/security",
  component: lazyRouteComponent(() => import("../security/security-page.tsx"), "SecurityPage"),
});
const settings = createRoute({
  getParentRoute: () => rootRoute,
  path: "/settings",
  component: lazyRouteComponent(() => import("../settings/settings-page.tsx"), "SettingsPage"),
});

const tree = rootRoute.addChildren([
  overview,
  settings,
  mesh.addChildren([
    meshOverview,
    graph,
    services,
    service,
    traces,
    trace,
    logs,
    config,
    newObject,
    object,
    revisions,
    revision,
    proxies,
    agents,
    security,
  ]),
]);

/** The router; it preloads a page's code when its link is pointed at, and data belongs to the pages' own queries. */
export function createConsoleRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    parseSearch: parseQueryString,
    stringifySearch: formatQueryString,
    defaultPreload: "intent",
    scrollRestoration: true,
    scrollToTopSelectors: ["#page"],
    defaultPendingComponent: PagePending,
    defaultPendingMs: 150,
    defaultErrorComponent: PageBroken,
    defaultNotFoundComponent: PageMissing,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>;
  }
}
