/** What a GatewayClass may not ask for. */
import { analyze } from "@heddle/analysis";
import type { GatewayApi } from "@heddle/model";
import { describe, expect } from "vitest";
import { gatewayApi } from "../../harness/objects.ts";
import { warns } from "../proves.ts";

const problems = (parametersRef?: GatewayApi.GatewayClass["parametersRef"]) =>
  analyze([
    gatewayApi<GatewayApi.GatewayClass>(
      "GatewayClass",
      "mine",
      {
        controllerName: "heddle.dev/gateway-controller",
        ...(parametersRef ? { parametersRef } : {}),
      },
      "",
    ),
  ]).map(({ code, level, message }) => `${code} ${level} ${message}`);

describe("parameters of a GatewayClass", () => {
  warns(
    "GatewayClass",
    ["parametersRef.{group,kind,namespace,name}"],
    "are of no kind that is read: the class is not accepted, and its Gateways wait: HDL0134",
    () => {
      expect(problems()).toEqual([]);
      expect(
        problems({ group: "example.com", kind: "Settings", namespace: "shop", name: "edge" }),
      ).toEqual([
        "HDL0134 Warning not Accepted (InvalidParameters): Settings of example.com shop/edge is no kind of parameters that is read here",
      ]);
    },
  );
});
