/** Whether a log line tells of a failure. */
import type { LogLine } from "@heddle/client";
import type { Health } from "../health/health.ts";
import { explainFlags } from "./flags.ts";

/** Failed: answered with 5xx, or not answered at all. Refused or odd: 4xx, or any flag. */
export function lineHealth(line: Pick<LogLine, "status" | "flags" | "method">): Health {
  if (line.status >= 500) return "bad";
  const flags = explainFlags(line.flags);
  // Without a status there was no answer; TCP lines have none by nature, but then no method either.
  if (line.status === 0 && line.method !== "" && flags.some((flag) => flag.side !== "client"))
    return "bad";
  if (line.status === 0 && line.method === "" && flags.some((flag) => flag.side === "upstream"))
    return "bad";
  return line.status >= 400 || flags.length > 0 ? "warn" : "ok";
}
