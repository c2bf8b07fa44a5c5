/** The settings of a mesh for tests that do not care about them. */
import type { MeshSettings } from "../read.ts";

export const ANY_MESH: MeshSettings = {
  name: "test",
  trustDomain: "cluster.local",
  rootNamespace: "istio-system",
  outboundTrafficPolicy: "ALLOW_ANY",
  traceSampling: 1,
  accessLog: true,
  clusterDomain: "cluster.local",
};
