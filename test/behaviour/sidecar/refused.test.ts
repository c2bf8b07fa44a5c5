/** What a Sidecar may not ask for, and what it asks for in vain. */
import { parseObject } from "@heddle/model";
import { describe, expect } from "vitest";
import { refuses } from "../proves.ts";

const problemsOf = (spec: object) =>
  parseObject({
    apiVersion: "networking.istio.io/v1",
    kind: "Sidecar",
    metadata: { name: "main", namespace: "default" },
    spec,
  }).diagnostics.map(({ code, level, path }) => `${code} ${level} ${path}`);
const FILES = {
  serverCertificate: "/etc/cert.pem",
  privateKey: "/etc/key.pem",
  caCertificates: "/etc/ca.pem",
};
const withTls = (tls: object) =>
  problemsOf({
    ingress: [
      {
        port: { number: 8443, protocol: "HTTPS", name: "https" },
        tls: { mode: "MUTUAL", ...FILES, ...tls },
      },
    ],
  });

describe("fields of a Sidecar that no sidecar has", () => {
  refuses(
    "Sidecar",
    [
      "ingress[].tls.{subjectAltNames,httpsRedirect,credentialName,credentialNames}",
      "ingress[].tls.tlsCertificates[].{serverCertificate,privateKey,caCertificates}",
    ],
    "certificates from Secrets, names of clients and redirects are refused, as in Istio: HDL0030",
    () => {
      expect(withTls({})).toEqual([]);
      for (const [field, value] of Object.entries({
        subjectAltNames: ["a.example.com"],
        httpsRedirect: true,
        credentialName: "secret",
        credentialNames: ["secret"],
        tlsCertificates: [FILES],
      }))
        expect(withTls({ [field]: value }), field).toContain(
          `HDL0030 Error spec.ingress[0].tls.${field}`,
        );
    },
  );

  refuses(
    "Sidecar",
    ["ingress[].tls.mode={ISTIO_MUTUAL,AUTO_PASSTHROUGH}"],
    "modes of gateways between networks, and the mesh's own TLS, are refused: HDL0030",
    () => {
      for (const mode of ["ISTIO_MUTUAL", "AUTO_PASSTHROUGH"])
        expect(withTls({ mode }), mode).toContain("HDL0030 Error spec.ingress[0].tls.mode");
    },
  );

  refuses(
    "Sidecar",
    ["ingress[].port.targetPort", "egress[].port.targetPort"],
    "a target port is refused: HDL0032",
    () => {
      const port = { number: 8080, protocol: "HTTP", name: "http", targetPort: 80 };
      expect(problemsOf({ ingress: [{ port }] })).toEqual([
        "HDL0032 Error spec.ingress[0].port.targetPort",
      ]);
      expect(problemsOf({ egress: [{ port, hosts: ["*/*"] }] })).toEqual([
        "HDL0032 Error spec.egress[0].port.targetPort",
      ]);
    },
  );
});
