/** The life of the webhooks' certificates, step by step, on a clock of its own. */
import { X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { ownSecret } from "../kubernetes/own-secret.ts";
import {
  dueAt,
  fromSecret,
  LIFETIMES,
  nextCertificates,
  toSecretData,
  type WebhookCertificates,
} from "./certificates.ts";

const START = Date.parse("2030-01-01T00:00:00Z");
const DAY = 24 * 3_600_000;
const NAMES = ["heddle-agent.heddle-system.svc", "127.0.0.1"];

const next = (held: WebhookCertificates | undefined, now: number, trusted = true, names = NAMES) =>
  nextCertificates(held, { names, now, lifetimes: LIFETIMES, isTrusted: () => trusted });

const signs = ({ authorities: [newest = ""], certificate }: WebhookCertificates) =>
  new X509Certificate(certificate).verify(new X509Certificate(newest).publicKey);

it("is served for a month at most, and always by an authority that was trusted before", async () => {
  let held = await next(undefined, START);
  const seen = { steps: 0, authorities: new Set<string>(), most: 0 };
  for (let now = START; now < START + 800 * DAY && held; now += 2 * DAY) {
    // The API server hears of a new authority two days later.
    const [newest = ""] = held.authorities;
    const trusted = seen.authorities.has(newest);
    const made = await next(held, now, trusted);
    for (const authority of held.authorities) seen.authorities.add(authority);
    seen.most = Math.max(seen.most, held.authorities.length);
    if (made) {
      seen.steps += 1;
      const before = new X509Certificate(held.certificate);
      // What a slower replica serves is still trusted.
      expect(
        made.authorities.some((pem) => before.verify(new X509Certificate(pem).publicKey)),
      ).toBe(true);
      if (made.certificate !== held.certificate) expect(trusted).toBe(true);
      held = made;
    }
    const served = new X509Certificate(held.certificate);
    expect(Date.parse(served.validTo)).toBeGreaterThan(now + 6 * DAY);
    expect(dueAt(held, LIFETIMES)).toBeGreaterThan(now - 5 * DAY);
  }
  expect(seen.most).toBe(2);
  // One for the first eight months, and one for each eight months after.
  expect(seen.authorities.size).toBe(4);
  expect(seen.steps).toBeGreaterThan(35);
}, 120_000);

it("waits with a new authority until it is trusted", async () => {
  const held = (await next(undefined, START)) as WebhookCertificates;
  const late = START + 250 * DAY;
  const introduced = (await next(held, late)) as WebhookCertificates;
  expect(introduced).toMatchObject({ certificate: held.certificate, key: held.key });
  expect(introduced.authorities).toHaveLength(2);
  const again = await next({ ...introduced, certificate: held.certificate }, late + 1000, false);
  // It has ended by then, so nobody is served worse.
  expect(again && signs(again)).toBe(true);
  const fresh = (await next(undefined, late)) as WebhookCertificates;
  const served = {
    ...introduced,
    certificate: fresh.certificate,
    key: fresh.key,
    authorities: [introduced.authorities[0] as string, fresh.authorities[0] as string],
  };
  expect(await next(served, late + 1000, false)).toBeUndefined();
  const trusted = await next(served, late + 1000, true);
  expect(trusted && signs(trusted)).toBe(true);
});

it("is made anew where it lacks a name, and with the names that it had", async () => {
  const held = (await next(undefined, START)) as WebhookCertificates;
  expect(await next(held, START + DAY, true, ["127.0.0.1"])).toBeUndefined();
  // However it is written.
  const six = (await next(undefined, START, true, ["fd00::1"])) as WebhookCertificates;
  expect(await next(six, START + DAY, true, ["fd00:0::1"])).toBeUndefined();
  const more = await next(held, START + DAY, true, ["10.1.2.3"]);
  expect(new X509Certificate(more?.certificate ?? "").subjectAltName).toBe(
    "IP Address:10.1.2.3, DNS:heddle-agent.heddle-system.svc, IP Address:127.0.0.1",
  );
});

it("begins anew where what is kept is of no use", async () => {
  const held = (await next(undefined, START)) as WebhookCertificates;
  const other = (await next(undefined, START)) as WebhookCertificates;
  const kept = (data: Record<string, string>) =>
    fromSecret(ownSecret({ name: "webhook", namespace: "own", type: "Opaque", data }));
  expect(kept(toSecretData(held))).toEqual(held);
  const mixed = { ...toSecretData(held), "tls.key": toSecretData(other)["tls.key"] ?? "" };
  expect(kept(mixed)).toBeUndefined();
  expect(kept({})).toBeUndefined();
  const strange = await next({ ...held, authorities: other.authorities }, START);
  expect(strange && signs(strange)).toBe(true);
  expect(await next({ ...held, certificate: "cut" }, START)).toMatchObject({
    key: expect.stringContaining("PRIVATE KEY"),
  });
});
