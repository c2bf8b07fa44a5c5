/** A path as rules see it, once a proxy has rewritten what several ways to write it have in common. */
import type { RequestValidation } from "@heddle/model";
import type { ProxyDescription } from "../proxy.ts";

/** `.` and `..` are resolved in any case (RFC 3986, section 6.2.2.3); the rest as a RequestValidation says, else by default only at gateways. */
export function normalizedPath(
  path: string,
  type: ProxyDescription["type"],
  validation: RequestValidation | undefined,
): string {
  const edge = type === "router";
  const { mergeSlashes = edge, escapedSlashes = edge ? "REDIRECT" : "KEEP" } =
    (validation?.mode === "REPORT" ? undefined : validation?.paths) ?? {};
  const [, written = path, query = ""] = /^([^?#]*)(.*)$/s.exec(path) ?? [];
  const decoded =
    escapedSlashes === "DECODE" || escapedSlashes === "REDIRECT"
      ? written.replaceAll(/%(?:2f|5c)/gi, "/")
      : written;
  const resolved = decoded.startsWith("/") ? new URL(`http://host${decoded}`).pathname : decoded;
  return `${mergeSlashes ? resolved.replaceAll(/\/{2,}/g, "/") : resolved}${query}`;
}
