/** What stands in a page's place when there is nothing to show: still loading, empty, or broken; each names cause and next step. */
import type { ReactNode } from "react";
import { describeFailure } from "../data/plane-error.ts";
import { Command } from "./copy-button.tsx";
import { StatusShape } from "./status.tsx";

/** Grey shapes in the place of text. `widths` are CSS widths, one a line. */
export function Skeleton({ lines = 3, height = 14 }: { lines?: number; height?: number }) {
  return (
    <div aria-busy="true" aria-label="Loading" style={{ display: "grid", gap: 12, padding: 12 }}>
      {Array.from({ length: lines }, (_, line) => (
        <span
          key={line}
          className="bone"
          style={{ height, width: `${88 - ((line * 37) % 46)}%` }}
        />
      ))}
    </div>
  );
}

/** Nothing here, and why, and what to do. */
export function Empty({
  title,
  children,
  command,
  actions,
}: {
  title: string;
  children?: ReactNode;
  command?: string;
  actions?: ReactNode;
}) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children ? <p>{children}</p> : null}
      {command ? <Command text={command} /> : null}
      {actions ? <div className="actions">{actions}</div> : null}
    </div>
  );
}

/** A failed question, with its cause, its code and the way on. */
export function Broken({ error, retry }: { error: unknown; retry?: () => void }) {
  const failure = describeFailure(error);
  return (
    <div className="notice notice--bad" role="alert">
      <StatusShape health="bad" />
      <div className="notice__text">
        <h2>{failure.title}</h2>
        {failure.detail ? <p>{failure.detail}</p> : null}
        <p className="muted">
          {failure.remedy} {failure.code ? <code>{failure.code}</code> : null}
        </p>
        <div className="actions">
          {failure.command ? <Command text={failure.command} /> : null}
          {retry ? (
            <button type="button" className="button" onClick={retry}>
              Try again
            </button>
          ) : null}
        </div>
      </div>
    </div>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

/**
 * Shows a query's answer, or the state in its place. An older answer stays when a later question fails: the top bar says how old it is.
 */
export function Answer<T>({
  of,
  loading,
  children,
}: {
  of: Asked<T>;
  loading?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <Broken error={of.error} retry={() => void of.refetch()} />;
  return <>{loading ?? <Skeleton />}</>;
}
