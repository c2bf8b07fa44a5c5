/** What an agent makes of what its plane says of authorities: it follows, tries again, and lets nothing older come back. */
import type { TrustBundle } from "@heddle/client";
import { createRoot } from "@heddle/pki";
import { describe, expect, it, vi } from "vitest";
import { createWorkloadCertificates } from "./certificates.ts";
import { type Issued, type Issuer, type IssuerChange, issueAll } from "./issuer.ts";
import { createKnownRoots } from "./known-roots.ts";
import { followAuthority } from "./plane-authority.ts";
import { fingerprints, rootOfChain } from "./roots.ts";

const silent = { info() {}, warn() {}, error() {} };
const now = Date.now();
const TRUST_DOMAIN = "td.example";
const WEB = `spiffe://${TRUST_DOMAIN}/ns/shop/sa/web`;
const trust = (version: string): TrustBundle => ({
  ...{ trustDomain: TRUST_DOMAIN, trustBundle: "", issuer: "", version, revoked: [WEB] },
});

describe("what the plane has in force", () => {
  it("is followed as soon as it is named, tried again where that fails, and read anew only when it is another", async () => {
    const versions = ["1", "1", "2"];
    const follow = vi.fn(async () => {});
    follow.mockRejectedValueOnce(new Error("away"));
    const followed = vi.fn();
    const [revoked, sever] = [vi.fn(), vi.fn()];
    const read = vi.fn(async () => trust(versions.shift() ?? "2"));
    const federated = vi.fn();
    const parts = {
      ...{ read, issuer: { follow }, revoked, sever, federated, followed },
      log: silent,
    };
    const authority = followAuthority(parts);
    expect(authority.asked()).toBe(false);
    authority.changed("1");
    await vi.waitFor(() => expect(authority.version()).toBe("1"));
    expect(follow).toHaveBeenCalledTimes(2);
    expect(revoked).toHaveBeenLastCalledWith([WEB]);
    // A plane that knows of no federations federates with nobody.
    expect(federated).toHaveBeenLastCalledWith([]);
    authority.changed("1");
    await vi.waitFor(() => expect(followed).toHaveBeenCalledTimes(2));
    expect(read).toHaveBeenCalledTimes(2);
    authority.changed("2");
    await vi.waitFor(() => expect(authority.version()).toBe("2"));
    authority.close();
  });
});

describe("a root in everybody's ConfigMap", () => {
  it("is known when it has had the time to get there, and anew when it comes again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const [one, two] = await Promise.all([1, 2].map(() => createRoot(TRUST_DOMAIN, { now })));
    const both = `${two?.pem}${one?.pem}`;
    const known = vi.fn();
    const roots = createKnownRoots(1_000, known);
    expect(roots.known(one?.pem)).toEqual([]);
    vi.advanceTimersByTime(1_001);
    expect(known).toHaveBeenCalledTimes(1);
    expect(roots.known(one?.pem)).toEqual(fingerprints(one?.pem ?? ""));
    expect(roots.known(both)).toEqual(fingerprints(one?.pem ?? ""));
    vi.advanceTimersByTime(1_001);
    expect(roots.known(both)).toEqual(fingerprints(both));
    expect(roots.known(two?.pem)).toEqual(fingerprints(two?.pem ?? ""));
    expect(roots.known(both)).toEqual(fingerprints(two?.pem ?? ""));
    roots.close();
    vi.useRealTimers();
  });
});

describe("workload certificates", () => {
  it("of an authority that was left do not come back by an answer that was on its way, and a revoked identity has none", async () => {
    const [old, next] = await Promise.all([1, 2].map(() => createRoot(TRUST_DOMAIN, { now })));
    if (!old || !next) throw new Error("There are two.");
    const both = next.pem + old.pem;
    let current = { authority: old.authority, bundle: old.pem };
    let tell = (_: IssuerChange) => {};
    const slow = Promise.withResolvers<void>();
    let asked = 0;
    const issuer: Issuer = {
      signedBy: "agent",
      async issue(requests, lifetime): Promise<Issued> {
        const mine = ++asked;
        const { authority } = current;
        const issued = await issueAll(authority, both, requests, lifetime);
        // The second one, of the authority before, is answered after the third.
        if (mine === 2) await slow.promise;
        return issued;
      },
      trustBundle: () => current.bundle,
      subscribe(listener) {
        tell = listener;
        return () => {};
      },
      close() {},
    };
    const certificates = createWorkloadCertificates(issuer, 60_000, silent);
    certificates.get(WEB);
    await vi.waitFor(() => expect(certificates.get(WEB)).toBeDefined());
    expect(certificates.trustBundle()).toBe(old.pem);
    current = { authority: old.authority, bundle: both };
    tell("trust");
    expect(certificates.trustBundle()).toBe(both);
    expect(asked).toBe(1);
    tell("authority");
    await vi.waitFor(() => expect(asked).toBe(2));
    current = { authority: next.authority, bundle: both };
    tell("authority");
    const root = () => rootOfChain(certificates.get(WEB)?.chain ?? "", both);
    await vi.waitFor(() => expect(root()).toBe(fingerprints(next.pem)[0]));
    slow.resolve();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(root()).toBe(fingerprints(next.pem)[0]);
    certificates.revoke([WEB]);
    expect(certificates.get(WEB)).toBeUndefined();
    expect(certificates.all()).toEqual([]);
    certificates.revoke([]);
    certificates.get(WEB);
    await vi.waitFor(() => expect(certificates.get(WEB)).toBeDefined());
    certificates.close();
  });
});
