/** Whoever asks for virtual hosts gets, for every authority, what whoever holds them all would find for it. */
import type { RouteConfiguration, VirtualHost } from "@heddle/envoy/config/route/v3";
import { canonical, merge } from "@heddle/envoy";
import { objectKey } from "@heddle/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createTranslator, type ProxyView } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";
import { PROXIES, someObject } from "../testing/random-mesh.ts";
import { askedTable } from "../names.ts";
import { domainsFor } from "./authorities.ts";
import { conclusive, patient } from "./virtual-hosts.ts";

const RUNS = 60;

const SIDECARS = PROXIES.filter(({ type }) => type === "sidecar");
const STRANGERS = [
  "www.example.com",
  "example.com",
  "db.test",
  "10.99.0.1",
  "one.c",
  "x",
  "[fd99::1]",
];

/** As Envoy does: the authority itself, then the wildcard that leaves least open. */
function found(hosts: readonly VirtualHost[], authority: string): VirtualHost | undefined {
  return [...domainsFor(authority), "*"]
    .map((domain) => hosts.find(({ domains = [] }) => domains.includes(domain)))
    .find((host) => host !== undefined);
}

/**
 * What becomes of a request, whatever the virtual host is called and whomever else it is for; what asking takes is left out, as is
 * what keeps strangers' virtual host from those who ask.
 */
function meaning(host: VirtualHost | undefined): unknown {
  if (host === undefined) return undefined;
  if (host.domains?.includes("*")) return nameless(patient(plain(host)));
  return nameless(isStrangers(host) ? patient(host) : conclusive(host));
}

function nameless({ name: _, domains: __, ...rest }: VirtualHost): unknown {
  return rest;
}

function isStrangers({ routes = [] }: VirtualHost): boolean {
  return ["allow_any", "block_all"].includes(routes[0]?.name ?? "");
}

function plain(host: VirtualHost): VirtualHost {
  const routes = host.routes?.map(({ match: { headers: _, ...match } = {}, ...route }) => ({
    ...route,
    match,
  }));
  return { ...host, ...(routes ? { routes } : {}) };
}

function askedFor(
  view: ProxyView,
  { name, virtualHosts = [], vhds }: RouteConfiguration,
  authority: string,
): VirtualHost | undefined {
  const host = found(virtualHosts, authority);
  const but = host?.routes?.[0]?.match?.headers?.[0]?.stringMatch?.safeRegex?.regex;
  const asks =
    host?.domains?.includes("*") &&
    but !== undefined &&
    new RegExp(`^(?:${but.replace("(?i)", "")})$`, "i").test(authority);
  if (vhds === undefined || !asks) return host;
  return view.named("virtualHost", `${name}/${authority}`) as VirtualHost | undefined;
}

function authoritiesIn(tables: Iterable<RouteConfiguration>): readonly string[] {
  const domains = [...tables].flatMap(({ virtualHosts = [] }) =>
    virtualHosts.flatMap(({ domains: all = [] }) => all),
  );
  return [...new Set([...domains.map((domain) => domain.replace("*", "pod-1")), ...STRANGERS])];
}

test("for every authority that anybody has", { timeout: 120_000 }, () => {
  let askedOften = 0;
  fc.assert(
    fc.property(fc.array(someObject, { minLength: 1, maxLength: 25 }), (objects) => {
      const changes = [...new Map(objects.map((each) => [objectKey(each), each]))].map(
        ([key, object]) => ({ key, object }),
      );
      const translator = createTranslator({
        mesh: { ...ANY_MESH, onDemand: "ALWAYS" },
        envoyApi: { canonical, merge },
      });
      // The mesh's own settings come with the objects, and say otherwise.
      translator.apply(changes.filter(({ key }) => !key.includes("MeshSettings")));
      for (const proxy of SIDECARS) {
        const [eager, onDemand] = [false, true].map((asks) =>
          translator.view({ ...proxy, onDemand: asks }),
        );
        const tables = eager!.resources("route") as ReadonlyMap<string, RouteConfiguration>;
        const own = onDemand!.resources("route") as ReadonlyMap<string, RouteConfiguration>;
        for (const [name, table] of tables) {
          const other = own.get(askedTable(name)) ?? own.get(name)!;
          for (const authority of authoritiesIn([table])) {
            if (other.vhds) askedOften++;
            expect([name, authority, meaning(askedFor(onDemand!, other, authority))]).toEqual([
              name,
              authority,
              meaning(found(table.virtualHosts ?? [], authority)),
            ]);
          }
        }
        eager!.dispose();
        onDemand!.dispose();
      }
    }),
    { numRuns: RUNS },
  );
  expect(askedOften).toBeGreaterThan(RUNS);
});
