/** What a GatewayClass may not ask for. */
import { analyze } from "@heddle/analysis";
import type { Listener } from "@heddle/envoy/config/listener/v3";
import type { GatewayApi, MeshObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { gatewayApi } from "../../harness/objects.ts";
import { viewOf } from "../../harness/world.ts";
import { refuses } from "../proves.ts";

const objects = (
  parametersRef?: GatewayApi.GatewayClass["parametersRef"],
): readonly MeshObject[] => [
  gatewayApi<GatewayApi.GatewayClass>(
    "GatewayClass",
    "mine",
    {
      controllerName: "heddle.dev/gateway-controller",
      ...(parametersRef ? { parametersRef } : {}),
    },
    "",
  ),
  gatewayApi<GatewayApi.Gateway>("Gateway", "edge", {
    gatewayClassName: "mine",
    listeners: [{ name: "http", port: 8080, protocol: "HTTP" }],
  }),
];
const PARAMETERS = { group: "example.com", kind: "Settings", namespace: "shop", name: "edge" };

/** Of the Gateway's own proxy. */
function ports(of: readonly MeshObject[]): readonly (number | undefined)[] {
  const view = viewOf(of, {
    type: "router",
    pod: "edge-1",
    address: "127.0.0.1",
    labels: { "gateway.networking.k8s.io/gateway-name": "edge" },
  });
  try {
    const listeners = [...view.resources("listener").values()] as Listener[];
    return listeners.map(({ address }) => address?.socketAddress?.portValue);
  } finally {
    view.dispose();
  }
}

describe("parameters of a GatewayClass", () => {
  refuses(
    "GatewayClass",
    ["parametersRef.{group,kind,namespace,name}"],
    "are of no kind that is read: the class is not accepted, and its Gateways wait: HDL0134",
    () => {
      const told = (of: readonly MeshObject[]) =>
        analyze(of).map(({ code, level, message }) => `${code} ${level} ${message}`);
      expect(told(objects())).toEqual([]);
      expect(ports(objects())).toContain(8080);
      expect(told(objects(PARAMETERS))).toContain(
        "HDL0134 Warning not Accepted (InvalidParameters): Settings of example.com shop/edge is no kind of parameters that is read here",
      );
      expect(ports(objects(PARAMETERS))).not.toContain(8080);
    },
  );
});
