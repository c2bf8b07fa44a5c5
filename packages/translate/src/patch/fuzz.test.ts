/** Whatever stands in a patch: it is applied, or refused with a code and a path, and never throws. */
import { canonical, encode, merge, resourceTypes } from "@heddle/envoy";
import { type EnvoyFilter, objectKey } from "@heddle/model";
import fc from "fast-check";
import { expect, test } from "vitest";
import { object, pod, service } from "../../../../test/harness/objects.ts";
import { createTranslator, parseNode } from "../index.ts";
import { ANY_MESH } from "../testing/mesh.ts";

const OBJECTS = [
  pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } }),
  ...service("web", [{ name: "http", port: 80, targetPort: 8080 }], ["10.0.0.1"], {
    clusterIP: "10.1.0.1",
  }),
];
const SIDECAR = parseNode({ id: "sidecar~10.0.0.1~web.default~default.svc.cluster.local" });

const FIELDS = [
  ...["name", "filters", "filter_chains", "typed_config", "@type", "route", "match", "routes"],
  ...["connect_timeout", "transport_socket", "metadata", "http_filters", "prefix", "address"],
];
const LEAVES = [
  ...["x", "5s", "", -1, 2 ** 40, 1.5, true, null],
  "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
  "type.googleapis.com/no.such.Message",
];

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(...LEAVES),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...FIELDS), tie("value"), { maxKeys: 4 }),
  ),
}));

const patch = fc.record({
  applyTo: fc.constantFrom(
    ...(["LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER", "LISTENER_FILTER"] as const),
    ...([
      "ROUTE_CONFIGURATION",
      "VIRTUAL_HOST",
      "HTTP_ROUTE",
      "CLUSTER",
      "EXTENSION_CONFIG",
    ] as const),
  ),
  patch: fc.record({
    operation: fc.constantFrom(
      ...(["MERGE", "ADD", "REMOVE", "INSERT_BEFORE", "INSERT_AFTER", "INSERT_FIRST"] as const),
      ...(["REPLACE", "MERGE_AND_REPLACE_LIST", "INVALID"] as const),
    ),
    value: fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 3 }),
  }),
});

test("applies or refuses any patch, and what it makes can be encoded", () => {
  fc.assert(
    fc.property(fc.array(patch, { minLength: 1, maxLength: 3 }), (configPatches) => {
      const translator = createTranslator({ mesh: ANY_MESH, envoyApi: { canonical, merge } });
      const filter = object("networking.istio.io/v1alpha3", "EnvoyFilter", "f", {
        configPatches,
      } as EnvoyFilter);
      translator.apply(
        [...OBJECTS, filter].map((each) => ({ key: objectKey(each), object: each })),
      );
      const view = translator.view(SIDECAR);
      for (const type of ["listener", "route", "cluster", "extension"] as const) {
        for (const resource of view.resources(type).values()) encode(resourceTypes[type], resource);
      }
      for (const { code, path, origin } of translator.diagnostics()) {
        expect(["HDL4003", "HDL4004"]).toContain(code);
        expect(path).toMatch(/^spec\.configPatches\[\d\]/);
        expect(origin).toBe("EnvoyFilter default/f");
      }
      view.dispose();
    }),
    { numRuns: 400 },
  );
});
