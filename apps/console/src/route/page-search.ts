/** The part of the console's state that lives in the URL's query, and how it is read and written. */
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { parseRange, rangeSearch, type TimeRange } from "../time/range.ts";

/** Every key that a page may keep in the URL. All are text; a missing one means the page's default. */
export interface PageSearch {
  /** Time: `15m`, or two instants. Kept from page to page. */
  range?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  /** Filter text. */
  q?: string | undefined;
  /** `column` ascending or `-column` descending. */
  sort?: string | undefined;
  /** Hidden or shown columns, `a,b`. */
  hide?: string | undefined;
  /** What is selected: the key of a row, node, edge or span. */
  sel?: string | undefined;
  /** A page's own way to look at things: `table`, `workload`. */
  view?: string | undefined;
  /** What nodes of the graph stand for. */
  by?: string | undefined;
  /** Opened or folded islands of the graph. */
  open?: string | undefined;
  labels?: string | undefined;
  kind?: string | undefined;
  service?: string | undefined;
  status?: string | undefined;
  /** The revision that a diff starts from. */
  base?: string | undefined;
  /** Comparison shown on charts. */
  vs?: string | undefined;
  tab?: string | undefined;
}

const keys = [
  "range",
  "from",
  "to",
  "q",
  "sort",
  "hide",
  "sel",
  "view",
  "by",
  "open",
  "labels",
  "kind",
  "service",
  "status",
  "base",
  "vs",
  "tab",
] as const satisfies readonly (keyof PageSearch)[];

/** Takes what it knows out of a parsed query and leaves the rest. */
export function readPageSearch(raw: Record<string, unknown>): PageSearch {
  const search: PageSearch = {};
  for (const key of keys) {
    const value = raw[key];
    if (typeof value === "string" && value !== "") search[key] = value;
  }
  return search;
}

/** Plain `key=value` pairs, unlike the router's own JSON, so that people can read and write them. */
export function parseQueryString(text: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(text));
}

export function formatQueryString(search: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === "string" && value !== "") parameters.set(key, value);
  }
  // Colons, slashes and commas are legal in a query; readable beats escaped.
  const text = parameters
    .toString()
    .replaceAll("%3A", ":")
    .replaceAll("%2F", "/")
    .replaceAll("%2C", ",");
  return text === "" ? "" : `?${text}`;
}

type Patch = { [Key in keyof PageSearch]?: string | undefined };

/** The page's URL state and the function that changes it; a change replaces the history entry unless `push` is asked for. */
export function usePageSearch(): [PageSearch, (patch: Patch, how?: "push") => void] {
  const search: PageSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = useCallback(
    (patch: Patch, how?: "push") => {
      void navigate({
        to: ".",
        search: (old: PageSearch) => ({ ...old, ...patch }),
        replace: how !== "push",
      });
    },
    [navigate],
  );
  return [search, change];
}

/** The time range of the URL, and the function that sets it. */
export function useTimeRange(): [TimeRange, (range: TimeRange) => void] {
  const [{ range, from, to }, change] = usePageSearch();
  const value = useMemo(() => parseRange({ range, from, to }), [range, from, to]);
  const set = useCallback((next: TimeRange) => change(rangeSearch(next), "push"), [change]);
  return [value, set];
}

/** The mesh of the address; pages below `/m/:mesh` have one. */
export function useMesh(): string {
  return useParams({ strict: false }).mesh ?? "";
}
