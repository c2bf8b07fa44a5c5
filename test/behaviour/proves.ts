/** Declares a test and the fields that it proves: what is sent, and what must be seen, through real Envoys. */
import { test } from "vitest";
import { envoyBinary } from "../harness/envoy-process.ts";
import { checkedClaims, type Claims } from "./rows/claim.ts";

type Body = () => unknown;

/**
 * `proves("VirtualService", ["http[].timeout"], "gives up after the time-out", async () => …)`; a test that proves fields of
 * several kinds names them as `{ VirtualService: […], DestinationRule: […] }`. Throws where a field does not exist.
 */
export function proves(kind: string, fields: readonly string[], title: string, body: Body): void;
export function proves(claims: Claims, title: string, body: Body): void;
export function proves(
  ...args: [string, readonly string[], string, Body] | [Claims, string, Body]
): void {
  const [claims, title, body]: [Claims, string, Body] =
    args.length === 4 ? [{ [args[0]]: args[1] }, args[2], args[3]] : args;
  test.skipIf(!envoyBinary)(title, { meta: { proves: checkedClaims(claims) } }, async () => {
    await body();
  });
}

/** The schema knows the fields, and the validation refuses every object that uses one: the test shows how. */
export function refuses(kind: string, fields: readonly string[], title: string, body: Body): void {
  test(title, { meta: { refuses: checkedClaims({ [kind]: fields }, "told of") } }, async () => {
    await body();
  });
}

/** The schema knows the fields, and the validation warns that they have no effect: the test shows how. */
export function warns(kind: string, fields: readonly string[], title: string, body: Body): void {
  test(title, { meta: { warns: checkedClaims({ [kind]: fields }, "told of") } }, async () => {
    await body();
  });
}
