/** The cluster's version of Kubernetes: what proxies can be depends on it, and it may be upgraded under a running agent. */
import type { AgentLog } from "../log.ts";
import type { ApiServer } from "../sources/kubernetes/api.ts";

export interface ClusterVersion {
  /** 34 for 1.34; undefined before the API server has said it. */
  minor(): number | undefined;
  close(): void;
}

/** It is asked again so often, milliseconds: where it is not known yet, and later. */
const AGAIN = { unknown: 1_000, known: 600_000 };

export function startClusterVersion(api: ApiServer, log: AgentLog): ClusterVersion {
  const closing = new AbortController();
  let minor: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const ask = async () => {
    try {
      const said = (await api.get("/version", {}, { signal: closing.signal })) as {
        minor?: string;
      };
      // Some distributions write `34+`.
      const found = Number.parseInt(said.minor ?? "", 10);
      if (!Number.isNaN(found)) minor = found;
    } catch (error) {
      if (minor === undefined && !closing.signal.aborted)
        log.info("the cluster's version is not known yet", { error: String(error) });
    }
    if (closing.signal.aborted) return;
    timer = setTimeout(() => void ask(), minor === undefined ? AGAIN.unknown : AGAIN.known);
  };
  void ask();
  return {
    minor: () => minor,
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}
