/** Rules of BackendTLSPolicy that its schema cannot say. */
import type { BackendTLSPolicy } from "../../kinds/gateway-api/policy.ts";
import type { Report } from "../report.ts";

export function checkBackendTlsPolicy(spec: BackendTLSPolicy, report: Report): void {
  checkTargets(spec.targetRefs, report);
  const { caCertificateRefs = [], wellKnownCACertificates, subjectAltNames = [] } = spec.validation;
  const named = wellKnownCACertificates !== undefined && wellKnownCACertificates !== "";
  if (caCertificateRefs.length > 0 && named) {
    report({
      code: "HDL0022",
      path: "spec.validation",
      message: "caCertificateRefs and wellKnownCACertificates exclude each other",
      remedy: "Keep one of them.",
    });
  }
  if (caCertificateRefs.length === 0 && !named) {
    report({
      code: "HDL0012",
      path: "spec.validation",
      message: "validation names no certificates to verify by",
      remedy: "Add caCertificateRefs, or wellKnownCACertificates: System.",
    });
  }
  for (const [index, name] of subjectAltNames.entries()) {
    for (const [type, field] of [
      ["Hostname", "hostname"],
      ["URI", "uri"],
    ] as const) {
      const there = name[field] !== undefined && name[field] !== "";
      if (there === (name.type === type)) continue;
      report({
        code: there ? "HDL0022" : "HDL0012",
        path: `spec.validation.subjectAltNames[${index}].${field}`,
        message: there
          ? `${field} does not belong to type ${name.type}`
          : `type ${type} needs ${field}`,
      });
    }
  }
}

function checkTargets(targets: BackendTLSPolicy["targetRefs"], report: Report): void {
  const sections = new Map<string, Set<string>>();
  for (const [index, { group, kind, name, sectionName = "" }] of targets.entries()) {
    const key = `${group}/${kind}/${name}`;
    const seen = sections.get(key) ?? new Set<string>();
    const path = `spec.targetRefs[${index}]`;
    if (seen.has(sectionName)) {
      report({ code: "HDL0029", path, message: `target ${name} stands twice` });
    } else if (seen.size > 0 && (seen.has("") || sectionName === "")) {
      report({
        code: "HDL0023",
        path: `${path}.sectionName`,
        message: `target ${name} is named several times, but not each time with a sectionName`,
        remedy: "Give each reference a sectionName of its own.",
      });
    }
    sections.set(key, seen.add(sectionName));
  }
}
