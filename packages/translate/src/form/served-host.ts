/** The host that serves what a rule names. */
import type { ModelReader } from "../read.ts";

/** As a namespace sees it: an alias has no endpoints and no clusters of its own. */
export function servedHost(read: ModelReader, host: string, namespace: string): string {
  return read.service(host, namespace)?.aliasOf ?? host;
}
