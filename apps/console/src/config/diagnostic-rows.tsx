/** Diagnostics as a list: what is wrong, what to do, which code. */
import type { ApiDiagnostic } from "@heddle/client";
import { StatusShape } from "../ui/status.tsx";
import { diagnosticHealth } from "./diagnostic-health.ts";

export function DiagnosticRows({ diagnostics }: { diagnostics: readonly ApiDiagnostic[] }) {
  if (diagnostics.length === 0) return null;
  return (
    <ul className="rows">
      {diagnostics.map((diagnostic, index) => (
        <li
          key={`${diagnostic.code}${diagnostic.path ?? ""}${index}`}
          style={{ alignItems: "flex-start" }}
        >
          <span style={{ marginTop: 5, lineHeight: 0 }}>
            <StatusShape health={diagnosticHealth[diagnostic.level]} />
          </span>
          <div className="grow">
            <div>{diagnostic.message}</div>
            {diagnostic.remedy ? <div className="muted">{diagnostic.remedy}</div> : null}
            <div className="muted small">
              <code>{diagnostic.code}</code> {diagnostic.origin}{" "}
              {diagnostic.path ? <code>{diagnostic.path}</code> : null}
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}
