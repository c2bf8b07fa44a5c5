import type { StoredObject } from "@heddle/client";
import { expect, test } from "vitest";
import { hostsNamed, objectsFor } from "./applies-to.ts";

function object(kind: string, namespace: string, name: string, spec: unknown): StoredObject {
  return {
    key: `g/${kind}/${namespace}/${name}`,
    apiVersion: "g/v1",
    kind,
    metadata: { name, namespace },
    spec,
    owner: "hosted",
    revision: 1,
    hash: "",
    diagnostics: [],
  };
}

const reviews = {
  host: "reviews.default.svc.cluster.local",
  name: "reviews",
  namespace: "default",
  apps: ["reviews"],
};

test("finds what names the service, shortly or in full, as host or as destination", () => {
  const found = objectsFor(reviews, [
    object("VirtualService", "default", "short", { hosts: ["reviews"] }),
    object("VirtualService", "other", "elsewhere", { hosts: ["reviews"] }),
    object("DestinationRule", "other", "full", { host: "reviews.default.svc.cluster.local" }),
    object("VirtualService", "other", "sends", {
      hosts: ["*"],
      http: [{ route: [{ destination: { host: "reviews.default" } }] }],
    }),
    object("Gateway", "default", "gw", { servers: [] }),
  ]);
  expect(found.map(({ object, why }) => `${object.metadata.name}: ${why}`)).toEqual([
    "full: names this service",
    "short: names this service",
    "sends: names this service",
  ]);
});

test("finds policies that select its workloads, hold for its namespace or for the mesh, nearest first", () => {
  const found = objectsFor(reviews, [
    object("PeerAuthentication", "istio-system", "mesh", { mtls: { mode: "STRICT" } }),
    object("PeerAuthentication", "default", "namespace", {}),
    object("AuthorizationPolicy", "default", "own", {
      selector: { matchLabels: { app: "reviews" } },
    }),
    object("AuthorizationPolicy", "default", "ratings", {
      selector: { matchLabels: { app: "ratings" } },
    }),
    object("PeerAuthentication", "shop", "foreign", {}),
  ]);
  expect(found.map(({ object }) => object.metadata.name)).toEqual(["own", "namespace", "mesh"]);
});

test("a spec of an unexpected form names nothing", () => {
  expect(hostsNamed({ kind: "VirtualService", spec: null })).toEqual([]);
  expect(hostsNamed({ kind: "DestinationRule", spec: { host: 3 } })).toEqual([]);
});
