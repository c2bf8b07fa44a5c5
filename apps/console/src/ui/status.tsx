/** Status as colour, shape and word: ● ok, ▲ warn, ■ bad, ○ idle, ◆ info. */
import type { ReactNode } from "react";
import { type Health, healthWord } from "../health/health.ts";

/** The shape alone, for places where the word stands beside it or in the label. */
export function StatusShape({ health }: { health: Health }) {
  return (
    <svg className={`tone-${health}`} viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
      {shapes[health]}
    </svg>
  );
}

const shapes: Record<Health, ReactNode> = {
  ok: <circle cx="5" cy="5" r="4" fill="currentColor" />,
  warn: <path d="M5 .8 9.6 9.2H.4z" fill="currentColor" />,
  bad: <rect x="1" y="1" width="8" height="8" rx="1" fill="currentColor" />,
  idle: <circle cx="5" cy="5" r="3.6" fill="none" stroke="currentColor" strokeWidth="1.4" />,
  info: <path d="M5 .6 9.4 5 5 9.4.6 5z" fill="currentColor" />,
};

/** Shape and word; the word is the health's own unless another says it better. */
export function Status({ health, children }: { health: Health; children?: ReactNode }) {
  return (
    <span className="status">
      <StatusShape health={health} />
      <span className={`tone-${health}`}>{children ?? healthWord[health]}</span>
    </span>
  );
}
