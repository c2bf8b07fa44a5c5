import { type MeshObject, objectKey } from "@heddle/model";
import { expect, it } from "vitest";
import { pod, virtualService } from "../../../test/harness/objects.ts";
import { createMeshConflicts } from "./conflicts.ts";

const SETTINGS = { rootNamespace: "istio-system", clusterDomain: "cluster.local" };
const rule = (name: string, host: string) => virtualService(name, { hosts: [host] });

it("both objects of a conflict are warned of until it is mended", () => {
  const conflicts = createMeshConflicts();
  const put = (...objects: ReturnType<typeof rule>[]) =>
    conflicts.changed(objects.map((object) => ({ key: objectKey(object), object })));
  const found = () =>
    conflicts.findings(SETTINGS).map(({ code, level, origin }) => `${code} ${level} ${origin}`);
  put(rule("a", "reviews"), rule("b", "ratings"));
  expect(found()).toEqual([]);
  put(rule("b", "reviews"));
  expect(found()).toEqual([
    "IST0109 Warning VirtualService default/a",
    "IST0109 Warning VirtualService default/b",
  ]);
  const web = pod({ name: "web", address: "10.0.0.1", labels: { app: "web" } });
  conflicts.changed([{ key: objectKey(web), object: web }]);
  expect(found()).toHaveLength(2);
  expect(conflicts.findings({ ...SETTINGS, clusterDomain: "other.example" })).toHaveLength(2);
  conflicts.changed([{ key: objectKey(rule("a", "reviews")), object: null }]);
  expect(found()).toEqual([]);
});

it("whose an Ingress is, is said by its class, which may come later and go", () => {
  const conflicts = createMeshConflicts();
  const put = (...objects: MeshObject[]) =>
    conflicts.changed(objects.map((object) => ({ key: objectKey(object), object })));
  const made = (kind: string, name: string, spec: object): MeshObject => ({
    apiVersion: "networking.k8s.io/v1",
    kind,
    metadata: {
      name,
      labels: {},
      annotations: {},
      namespace: kind === "Ingress" ? "default" : "",
    },
    spec,
  });
  const ingress = (name: string) =>
    made("Ingress", name, {
      ingressClassName: "mesh",
      rules: [
        {
          host: "shop.example.com",
          http: {
            paths: [
              {
                path: "/",
                pathType: "Prefix",
                backend: { service: { name, port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    });
  put(ingress("a"), ingress("b"));
  expect(conflicts.findings(SETTINGS)).toEqual([]);
  const own = made("IngressClass", "mesh", { controller: "istio.io/ingress-controller" });
  put(own);
  expect(conflicts.findings(SETTINGS).map(({ code, origin }) => `${code} ${origin}`)).toEqual([
    "HDL0172 Ingress default/a",
    "HDL0172 Ingress default/b",
  ]);
  conflicts.changed([{ key: objectKey(own), object: null }]);
  expect(conflicts.findings(SETTINGS)).toEqual([]);
});
