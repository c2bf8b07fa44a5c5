import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDnsName } from "../validate/names.ts";
import { canonicalAddress, registeredName, unfitForMachine } from "./machine.ts";

const byte = fc.integer({ min: 0, max: 255 });
const v4 = fc.tuple(byte, byte, byte, byte);
const group = fc.integer({ min: 0, max: 0xff_ff });
const v6 = fc.array(group, { minLength: 8, maxLength: 8 });
const spelled = (groups: readonly number[]) => groups.map((each) => each.toString(16)).join(":");

describe("the address of a machine", () => {
  it.each([
    ...["10.0.0.7", "192.168.1.20", "203.0.113.9", "100.64.0.1", "172.31.255.255"],
    ...["2001:db8::1", "fd00::7", "2600:1f18::5"],
  ])("may be %s", (address) => {
    expect(unfitForMachine(address)).toBeUndefined();
  });

  it.each([
    ...["127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1"],
    ...["239.255.255.255", "240.240.0.9", "255.255.255.255"],
    ...["::1", "::", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.7", "64:ff9b::a00:7"],
    ...["2002:7f00:1::", "2001:2::5", "fe80::1", "febf::1", "ff02::1"],
    ...["", "example.com", "010.0.0.1", "10.0.0", "10.0.0.7/32", "fe80::1%eth0", "unix:///x", "1"],
  ])("is not %j", (address) => {
    expect(unfitForMachine(address)).toBeTypeOf("string");
    // Whoever allows for the loopback allows for nothing else.
    const isLoopback = /^(?:127\.|::1$)/.test(address);
    expect(unfitForMachine(address, { loopback: true }) === undefined).toBe(isLoopback);
  });

  it("of IPv4 is one of a host, wherever it stands in its block", () => {
    fc.assert(
      fc.property(v4, (parts) => {
        const [a, b] = parts;
        const nobodys = a === 0 || a === 127 || a >= 224 || (a === 169 && b === 254);
        expect(unfitForMachine(parts.join(".")) !== undefined).toBe(nobodys);
      }),
    );
  });

  it("is judged alike however it is spelled, and never by the IPv4 address that hides in it", () => {
    fc.assert(
      fc.property(v6, (groups) => {
        const plain = spelled(groups);
        const padded = groups
          .map((each) => each.toString(16).padStart(4, "0").toUpperCase())
          .join(":");
        expect(canonicalAddress(padded)).toBe(canonicalAddress(plain));
        expect(unfitForMachine(padded)).toBe(unfitForMachine(plain));
      }),
    );
    fc.assert(
      fc.property(v4, (parts) => {
        expect(unfitForMachine(`::ffff:${parts.join(".")}`)).toBeTypeOf("string");
        expect(unfitForMachine(`::${parts.join(".")}`)).toBeTypeOf("string");
      }),
    );
  });
});

describe("the name of a machine's entry", () => {
  it("is made as Istio makes it", () => {
    expect(registeredName("web", "10.0.0.7")).toBe("web-10.0.0.7");
    expect(registeredName("web", "fd00::7", "west")).toBe("web-fd00--7-west");
    expect(registeredName("web", "fd00::")).toBe("web-fd00--0");
    expect(registeredName("a".repeat(250), "10.0.0.7")).toHaveLength(253);
  });

  it("is one that Kubernetes takes", () => {
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,200}[a-z0-9])?$/);
    const network = fc.constantFrom("", "West_1", "net.a", "n");
    fc.assert(
      fc.property(name, v6, network, (of, groups, on) => {
        const made = registeredName(of, canonicalAddress(spelled(groups)) ?? "", on);
        expect(made.length).toBeLessThanOrEqual(253);
        expect(made).toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
      }),
    );
    expect(isDnsName(registeredName("web", "10.0.0.7"))).toBe(true);
  });
});
