import { object } from "../../../test/harness/objects.ts";
import { describe, expect, test } from "vitest";
import { reachOf } from "./address-reach.ts";
import { serviceNamed } from "./cluster-services.ts";
import { createGuard, parseAllowed } from "./guard.ts";
import { followed } from "./guarded-fetch.ts";

test.each([
  ["8.8.8.8", "public"],
  ["2606:4700::1111", "public"],
  ["::ffff:8.8.8.8", "public"],
  ["64:ff9b::808:808", "public"],
  ["10.1.2.3", "private"],
  ["::ffff:10.1.2.3", "private"],
  ["64:ff9b::", "local"],
  ["100.64.1.1", "private"],
  ["fd00::1", "private"],
  ["fec0::1", "private"],
  ["2001:db8::1", "private"],
  ["2002:808:808::", "private"],
  ["4000::1", "private"],
  ["127.0.0.53", "local"],
  ["::1", "local"],
  ["fe80::1%eth0", "local"],
  ["169.254.169.254", "local"],
  ["64:ff9b::a9fe:a9fe", "local"],
  ["fd00:ec2::254", "local"],
  ["0.0.0.0", "local"],
  ["239.1.1.1", "local"],
])("%s is %s", (address, reach) => {
  expect(reachOf(address)).toBe(reach);
});

describe("the guard", () => {
  const services = new Map(
    [
      object("v1", "Service", "keycloak", { clusterIP: "10.0.0.1", ports: [{ port: 8080 }] }),
      object("v1", "Service", "outside", {
        ...{ type: "ExternalName", externalName: "localhost", ports: [{ port: 80 }] },
      }),
    ].map((each) => [`core/Service/default/${each.metadata.name}`, each]),
  );
  const isService = serviceNamed(
    (key) => services.get(key),
    () => "cluster.local",
  );
  const permitted = (url: string, address: string, allow: readonly string[] = []) => {
    try {
      const guard = createGuard({ allowed: parseAllowed(allow), isService });
      return guard.permitted(new URL(url), [address]).length === 1;
    } catch (error) {
      expect(error).toMatchObject({ code: "HDL7292" });
      return false;
    }
  };

  test("lets the Internet be asked, and a service that the mesh knows by name", () => {
    expect(permitted("https://issuer.test/", "8.8.8.8")).toBe(true);
    expect(permitted("https://issuer.test/", "10.0.0.1")).toBe(false);
    for (const host of ["keycloak.default.svc.cluster.local", "keycloak.default.svc."]) {
      expect(permitted(`http://${host}:8080/keys`, "10.0.0.1")).toBe(true);
      expect(permitted(`http://${host}:8080/keys`, "127.0.0.1")).toBe(false);
      expect(permitted(`http://${host}/keys`, "10.0.0.1")).toBe(false);
    }
    expect(permitted("http://outside.default.svc/", "10.0.0.1")).toBe(false);
    expect(permitted("http://keycloak.default:8080/", "10.0.0.1")).toBe(false);
  });

  test("lets hosts that were allowed have private addresses, and ranges any", () => {
    const allow = ["keys.corp.test", "192.168.7.0/24", "127.0.0.1", "fd12::/16"];
    expect(permitted("https://KEYS.corp.test./", "10.0.0.1", allow)).toBe(true);
    expect(permitted("https://keys.corp.test/", "169.254.169.254", allow)).toBe(false);
    expect(permitted("https://x.corp.test/", "10.0.0.1", allow)).toBe(false);
    expect(permitted("https://x.test/", "192.168.7.9", allow)).toBe(true);
    expect(permitted("https://x.test/", "192.168.8.9", allow)).toBe(false);
    expect(permitted("https://x.test/", "127.0.0.1", allow)).toBe(true);
    expect(permitted("https://x.test/", "fd12::9", allow)).toBe(true);
  });

  test.each(["10.0.0.0/40", "a b", "http://x", "10.0.0.0/x", "*"])(
    "refuses %s to be allowed",
    (entry) => {
      expect(() => parseAllowed([entry])).toThrow(JSON.stringify(entry));
    },
  );
});

test("a redirect leads to no other protocol, and not out of TLS", () => {
  const from = new URL("https://issuer.test/a");
  expect(followed(from, "/b").href).toBe("https://issuer.test/b");
  for (const to of ["http://issuer.test/a", "file:///a", "https://[", "data:,{}"])
    expect(() => followed(from, to)).toThrow(/leads/);
});
