/** What a gateway's TLS mode needs, and what it cannot have. */
import type { ServerTLSSettings, TLSCertificate } from "../kinds/gateway.ts";
import type { Report } from "./report.ts";
import { isCipherSuite } from "./words.ts";

const CERTIFICATE_FIELDS = [
  "serverCertificate",
  "privateKey",
  "caCertificates",
  "tlsCertificates",
  "credentialName",
  "credentialNames",
] as const satisfies readonly (keyof ServerTLSSettings)[];

export function checkServerTls(tls: ServerTLSSettings, path: string, report: Report): void {
  const { mode = "PASSTHROUGH", credentialName, credentialNames = [] } = tls;
  checkVersions(tls, path, report);
  checkSources(tls, path, report);
  const present = CERTIFICATE_FIELDS.filter((field) => isSet(tls[field]));
  if (mode === "ISTIO_MUTUAL") {
    for (const field of present) {
      report({
        code: "HDL0030",
        path: `${path}.${field}`,
        message: `TLS mode ISTIO_MUTUAL uses the mesh's certificates, and cannot have ${field}`,
      });
    }
    return;
  }
  if (mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") {
    const ignored = [...present, ...(tls.caCrl ? ["caCrl"] : [])];
    if (ignored.length > 0) {
      report({
        code: "HDL0032",
        path,
        message: `TLS mode ${mode} uses no certificates: ${ignored.join(", ")} is ignored`,
      });
    }
    if (tls.caCrl && credentialName) {
      const message = "caCrl cannot stand beside credentialName";
      report({ code: "HDL0030", path: `${path}.caCrl`, message });
    }
    return;
  }
  if ((credentialName || credentialNames.length > 0) && tls.caCrl) {
    report({
      code: "HDL0032",
      path: `${path}.caCrl`,
      message: "caCrl has no effect beside credentialName",
      remedy: "Put the list into the Secret, as ca.crl.",
    });
  }
  if (credentialName || credentialNames.length > 0) return;
  if (mode !== "SIMPLE" && !tls.caCertificates) {
    report({
      code: "HDL0030",
      path,
      message: `TLS mode ${mode} needs caCertificates or a credentialName`,
    });
  }
  if (mode === "SIMPLE" && tls.caCrl) {
    report({ code: "HDL0030", path: `${path}.caCrl`, message: "TLS mode SIMPLE has no caCrl" });
  }
  const own: TLSCertificate = pick(tls);
  for (const certificate of tls.tlsCertificates ?? [own]) {
    for (const field of ["serverCertificate", "privateKey"] as const) {
      if (certificate[field]) continue;
      report({
        code: "HDL0030",
        path,
        message: `TLS mode ${mode} needs a credentialName, or ${field}`,
        remedy: "Name the Secret that has the certificate in credentialName.",
      });
    }
  }
}

function pick({ serverCertificate, privateKey }: ServerTLSSettings): TLSCertificate {
  return {
    ...(serverCertificate === undefined ? {} : { serverCertificate }),
    ...(privateKey === undefined ? {} : { privateKey }),
  };
}

/** Certificates come from one place. */
function checkSources(tls: ServerTLSSettings, path: string, report: Report): void {
  const sources = [
    ...(tls.serverCertificate && tls.privateKey ? ["serverCertificate and privateKey"] : []),
    ...(["credentialName", "credentialNames", "tlsCertificates"] as const).filter((field) =>
      isSet(tls[field]),
    ),
  ];
  if (sources.length < 2) return;
  report({
    code: "HDL0022",
    path,
    message: `certificates come from several places: ${sources.join(", ")}`,
    remedy: "Keep one of them.",
  });
}

function checkVersions(tls: ServerTLSSettings, path: string, report: Report): void {
  const old = tls.minProtocolVersion === "TLSV1_0" || tls.minProtocolVersion === "TLSV1_1";
  const suites = tls.cipherSuites ?? [];
  if (old && suites.length === 0) {
    report({
      code: "HDL0032",
      path: `${path}.minProtocolVersion`,
      message: "TLS below 1.2 needs cipherSuites: the default ones no longer fit it",
    });
  }
  const seen = new Set<string>();
  for (const [index, suite] of suites.entries()) {
    const known = isCipherSuite(suite);
    if (!known || seen.has(suite)) {
      report({
        code: "HDL0032",
        path: `${path}.cipherSuites[${index}]`,
        message: `cipher suite ${suite} ${known ? "stands twice" : "is not known and ignored"}`,
      });
    }
    seen.add(suite);
  }
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== "";
}
