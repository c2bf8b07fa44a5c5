import { describe, expect, test } from "vitest";
import { gateway } from "../../../../test/harness/objects.ts";
import { gatewayListenersOf } from "../form/gateway.ts";
import { admittedHosts } from "./gateway-hosts.ts";

const origin = { kind: "VirtualService", namespace: "rules", name: "any" };

describe("hosts that a gateway's server admits", () => {
  test.each([
    [["*"], ["shop.example"], ["shop.example"]],
    [["shop.example"], ["*"], ["shop.example"]],
    [["*.example"], ["shop.example", "shop.test"], ["shop.example"]],
    [["shop.example"], ["*.example"], ["shop.example"]],
    [["*.a.example"], ["*.example"], ["*.a.example"]],
    [["SHOP.example"], ["shop.EXAMPLE"], ["shop.example"]],
    [["./shop.example"], ["shop.example"], []],
    [["rules/shop.example"], ["shop.example"], ["shop.example"]],
    [["*/shop.example"], ["shop.example"], ["shop.example"]],
    [["other/*"], ["shop.example"], []],
  ])("%j admits of %j only %j", (serverHosts, hosts, admitted) => {
    const port = { number: 80, name: "http", protocol: "HTTP" };
    const object = gateway("g", { servers: [{ port, hosts: serverHosts }] }, "gateways");
    const [listener] = gatewayListenersOf(object);
    expect(admittedHosts(listener?.hosts ?? [], { hosts, origin })).toEqual(admitted);
  });
});
