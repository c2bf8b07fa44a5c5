/** Session persistence of the Gateway API in the intermediate form. */
import type { GatewayApi } from "@heddle/model";
import type { SessionAffinity } from "../rule-set.ts";

/** `owner` tells the cookies of several rules apart where they give them no name. */
export function sessionOf(
  session: GatewayApi.SessionPersistence | undefined,
  owner: string,
): SessionAffinity | undefined {
  if (!session) return undefined;
  const { type = "Cookie", cookie, header, absoluteTimeout } = session;
  if (type === "Header") return header ? { header: header.name } : undefined;
  const permanent = cookie?.lifetimeType === "Permanent";
  return {
    cookie: cookie?.name ?? `heddle-session.${owner}`.replace(/[^A-Za-z0-9.-]/g, "-"),
    path: cookie?.path ?? "/",
    ...(permanent && absoluteTimeout ? { lifetime: absoluteTimeout } : {}),
  };
}
