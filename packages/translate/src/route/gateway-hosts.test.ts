import { describe, expect, test } from "vitest";
import { admittedHosts } from "./gateway-hosts.ts";

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
    expect(admittedHosts(serverHosts, "gateways", hosts, "rules")).toEqual(admitted);
  });
});
