/** How old the data on the page is, and since when the plane has been silent. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { PlaneUnreachable } from "../data/plane-error.ts";
import { agoText, clockText } from "../format/numbers.ts";
import { StatusShape } from "../ui/status.tsx";
import { useNow } from "../ui/use-now.ts";

interface Freshness {
  /** When the stalest of the shown answers came. */
  updatedAt: number;
  /** Whether the last question found no plane. */
  silent: boolean;
}

/** Looks at the queries that components of this page use. */
function useFreshness(): Freshness | undefined {
  const cache = useQueryClient().getQueryCache();
  const [freshness, setFreshness] = useState<Freshness>();
  useEffect(() => {
    const look = (): void => {
      const shown = cache.getAll().filter((query) => query.isActive());
      const answered = shown.filter((query) => query.state.dataUpdatedAt > 0);
      const silent = shown.some(
        (query) =>
          query.state.error instanceof PlaneUnreachable ||
          query.state.fetchFailureReason instanceof PlaneUnreachable,
      );
      const newest = Math.max(...answered.map((query) => query.state.dataUpdatedAt));
      setFreshness((old) => {
        if (answered.length === 0 && !silent) return undefined;
        const next = { updatedAt: answered.length === 0 ? 0 : newest, silent };
        return old?.updatedAt === next.updatedAt && old.silent === next.silent ? old : next;
      });
    };
    look();
    return cache.subscribe(() => queueMicrotask(look));
  }, [cache]);
  return freshness;
}

export function DataAge() {
  const freshness = useFreshness();
  const now = useNow();
  if (!freshness) return <span className="age" />;
  const { updatedAt, silent } = freshness;
  if (silent) {
    return (
      <span className="age tone-bad" role="status">
        <StatusShape health="bad" />
        {updatedAt === 0
          ? "Plane unreachable"
          : `Plane unreachable since ${clockText(updatedAt, now)}`}
      </span>
    );
  }
  const late = now - updatedAt > 30_000;
  return (
    <span className="age" title="Age of the data on this page">
      <StatusShape health={late ? "warn" : "ok"} />
      {agoText(updatedAt, now)}
    </span>
  );
}
