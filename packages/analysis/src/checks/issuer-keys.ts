/** IST0101, HDL0161: keys of an issuer at a service of the cluster that the agent would not fetch them from. */
import {
  type JWTRule,
  type RequestAuthentication,
  type Service,
  splitServiceHost,
} from "@heddle/model";
import { type Check, diagnostic, missing } from "../check.ts";

export const checkIssuerKeys: Check<RequestAuthentication> = function* (entry, context) {
  const { index } = context;
  if (!index.hasServices()) return;
  for (const [position, rule] of (entry.object.spec.jwtRules ?? []).entries()) {
    const place = keysAt(rule);
    if (place === undefined) continue;
    const path = `spec.jwtRules[${position}].${rule.jwksUri ? "jwksUri" : "issuer"}`;
    const { host, port } = place;
    const whole = host.endsWith(".svc") ? `${host}.${index.clusterDomain}` : host;
    const named = splitServiceHost(whole, index.clusterDomain);
    if (named === undefined) continue;
    const found = index.entry(`core/Service/${named.namespace}/${named.name}`);
    if (found === undefined) {
      yield missing(entry, context, { what: "host", name: host, path });
      continue;
    }
    const { type, ports = [] } = found.object.spec as Service;
    const wrong =
      type === "ExternalName"
        ? "is of type ExternalName, and leads where its name does"
        : ports.every((each) => each.port !== port)
          ? `has no port ${port}`
          : undefined;
    if (wrong === undefined) continue;
    yield diagnostic(entry, {
      code: "HDL0161",
      path,
      message: `Service ${named.namespace}/${named.name} ${wrong}: keys are not fetched from there.`,
    });
  }
};

/** Undefined for a rule that brings its keys, and for what is no URL. */
function keysAt({ jwks, jwksUri, issuer = "" }: JWTRule) {
  const url = jwks ? null : URL.parse(jwksUri || issuer);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return {
    host: url.hostname.replace(/\.$/, ""),
    port: Number(url.port) || (url.protocol === "https:" ? 443 : 80),
  };
}
