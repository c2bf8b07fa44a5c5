/** The time range in the top bar: offered lengths, live or paused, a step back and forth. */
import { usePageSearch, useTimeRange } from "../route/page-search.ts";
import { Icon } from "../ui/icon.tsx";
import { describeRange, minutesWords, offeredMinutes, shiftRange, toggleLive } from "./range.ts";

export function RangePicker() {
  const [range, setRange] = useTimeRange();
  const [search] = usePageSearch();
  const live = range.kind === "live";
  const chosen = live ? String(range.minutes) : "fixed";
  const known = live && (offeredMinutes as readonly number[]).includes(range.minutes);
  return (
    <span className="button-group" role="group" aria-label="Time range">
      <button
        type="button"
        className="button button--icon"
        aria-label="Back in time"
        title="Back in time ( [ )"
        onClick={() => setRange(shiftRange(range, -1, Date.now()))}
      >
        <Icon name="left" />
      </button>
      <select
        className="button range-select"
        aria-label="Time range"
        value={chosen}
        key={`${search.range} ${search.from}`}
        onChange={(event) => setRange({ kind: "live", minutes: Number(event.target.value) })}
      >
        {live && known ? null : <option value={chosen}>{describeRange(range, Date.now())}</option>}
        {offeredMinutes.map((minutes) => (
          <option key={minutes} value={minutes}>
            last {minutesWords(minutes)}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="button"
        aria-pressed={!live}
        title={live ? "Hold this range ( . )" : "Follow the present again ( . )"}
        onClick={() => setRange(toggleLive(range, Date.now()))}
      >
        <Icon name={live ? "pause" : "play"} />
        <span className="top__wide">{live ? "Live" : "Paused"}</span>
      </button>
    </span>
  );
}
