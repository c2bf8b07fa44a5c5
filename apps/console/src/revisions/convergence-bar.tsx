/** How many proxies have a revision, as a bar and in words. */
import type { Convergence } from "@heddle/client";
import { countText, durationText } from "../format/numbers.ts";

export function ConvergenceBar({
  convergence,
  words = false,
}: {
  convergence: Convergence;
  words?: boolean;
}) {
  const { proxies, acknowledged, state } = convergence;
  // Of an older revision only the time is kept: proxies are counted at the newest.
  const share = proxies === 0 ? (state === "applied" ? 1 : 0) : acknowledged / proxies;
  const tone = state === "applied" ? " progress--ok" : state === "stale" ? " progress--warn" : "";
  return (
    <div>
      <div
        className={`progress${tone}`}
        role="progressbar"
        aria-valuemin={0}
        aria-valuemax={proxies}
        aria-valuenow={acknowledged}
        aria-label="Proxies that have it"
      >
        <i style={{ width: `${share * 100}%` }} />
      </div>
      {words ? <p className="small muted num">{convergenceWords(convergence)}</p> : null}
    </div>
  );
}

/** `9 of 9 proxies have it, after 38 ms`. */
function convergenceWords({ proxies, acknowledged, durationMs, state }: Convergence): string {
  if (state === "no-agents") return "No agent is connected; it waits here until one is.";
  const after = durationMs === undefined ? "" : `, after ${durationText(durationMs)}`;
  if (proxies === 0)
    return state === "applied" ? `Every proxy had it${after}` : "No proxy needs it.";
  return `${acknowledged} of ${countText(proxies, "proxy", "proxies")} ${acknowledged === 1 ? "has" : "have"} it${after}`;
}
