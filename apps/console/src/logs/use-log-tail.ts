/** The lines of the log page: the range's history, and live ones as they arrive unless it is paused. */
import type { LogFilter, LogLine } from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { follow } from "../data/plane.ts";
import { logsQuery } from "../data/queries.ts";
import type { TimeRange } from "../time/range.ts";
import { mergeLines } from "./tail-buffer.ts";

/** Lines are drawn together, at most this often. */
const DRAW_MS = 200;

export interface LogTail {
  lines: readonly LogLine[];
  /** Lines that the plane left out because there were too many. */
  skipped: number;
  connected: boolean;
  error: unknown;
  loaded: boolean;
  refetch: () => unknown;
}

export function useLogTail(mesh: string, range: TimeRange, filter: LogFilter): LogTail {
  const history = useQuery({ ...logsQuery(mesh, range, filter), refetchOnWindowFocus: false });
  const asked = JSON.stringify([mesh, filter]);
  const [arrived, setArrived] = useState<{ asked: string; lines: LogLine[]; skipped: number }>({
    asked,
    lines: [],
    skipped: 0,
  });
  const [connected, setConnected] = useState(false);
  const pending = useRef<{ lines: LogLine[]; skipped: number }>({ lines: [], skipped: 0 });
  const live = range.kind === "live";

  useEffect(() => {
    if (!live) return;
    pending.current = { lines: [], skipped: 0 };
    const stop = follow(
      (plane, signal) => plane.logStream(mesh, { ...filter }, signal),
      ({ event, data }) => {
        if (event === "skipped")
          pending.current.skipped += (JSON.parse(data) as { count: number }).count;
        else if (event === "log") pending.current.lines.push(JSON.parse(data) as LogLine);
      },
      setConnected,
    );
    const timer = setInterval(() => {
      const { lines, skipped } = pending.current;
      if (lines.length === 0 && skipped === 0) return;
      pending.current = { lines: [], skipped: 0 };
      setArrived((old) => {
        const base = old.asked === asked ? old : { asked, lines: [], skipped: 0 };
        return { asked, lines: mergeLines(base.lines, lines), skipped: base.skipped + skipped };
      });
    }, DRAW_MS);
    return () => {
      stop();
      clearInterval(timer);
      setConnected(false);
    };
    // The filter's text stands for the filter.
  }, [mesh, asked, live]);

  const lines = useMemo(() => {
    const past = mergeLines([], history.data?.items ?? []);
    return arrived.asked === asked && live ? mergeLines(past, arrived.lines) : past;
  }, [history.data, arrived, asked, live]);
  return {
    lines,
    skipped: arrived.asked === asked ? arrived.skipped : 0,
    connected,
    error: history.error,
    loaded: history.data !== undefined,
    refetch: history.refetch,
  };
}
