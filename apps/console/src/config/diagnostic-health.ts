/** Diagnostics as a status. */
import type { ApiDiagnostic } from "@heddle/client";
import type { Health } from "../health/health.ts";

export const diagnosticHealth: Record<ApiDiagnostic["level"], Health> = {
  Error: "bad",
  Warning: "warn",
  Info: "info",
};

/** The gravest of several; undefined where there is none. */
export function worstDiagnostic(diagnostics: readonly ApiDiagnostic[]): Health | undefined {
  for (const level of ["Error", "Warning", "Info"] as const) {
    if (diagnostics.some((diagnostic) => diagnostic.level === level))
      return diagnosticHealth[level];
  }
  return undefined;
}
