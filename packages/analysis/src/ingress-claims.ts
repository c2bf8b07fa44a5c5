/** What only one Ingress can have: a path of a host, the certificate of a name. */
import type { Ingress } from "@heddle/model";

/** Something that an Ingress claims, and what it does with it. */
interface IngressClaim {
  /** In an index. */
  readonly place: string;
  readonly value: string;
  readonly path: string;
  readonly what: string;
}

export function claimsOf({ rules = [], tls = [] }: Ingress): readonly IngressClaim[] {
  return [
    ...rules.flatMap(({ host, http }, position) =>
      (http?.paths ?? []).map(({ path = "", pathType, backend }, index): IngressClaim => {
        const name = host?.toLowerCase() || "*";
        return {
          place: `ingress path ${JSON.stringify([name, pathType, path])}`,
          value: JSON.stringify([backend.service, backend.resource]),
          path: `spec.rules[${position}].http.paths[${index}]`,
          what: `${pathType === "Exact" ? "exactly " : ""}${path || "every path"} of ${host || "every host"}`,
        };
      }),
    ),
    ...tls.flatMap(({ hosts, secretName }, position) =>
      secretName
        ? (hosts?.length ? hosts : ["*"]).map((host): IngressClaim => ({
            place: `ingress certificate ${host.toLowerCase()}`,
            value: secretName,
            path: `spec.tls[${position}]`,
            what: `the certificate of ${host === "*" ? "every host" : host}`,
          }))
        : [],
    ),
  ];
}
