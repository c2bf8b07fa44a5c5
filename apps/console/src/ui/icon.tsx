/** The console's icons: 16 by 16, one stroke. */
import type { ReactNode } from "react";

const paths = {
  overview: <path d="M2 9.5 8 3l6 6.5M4 8v5.5h8V8" />,
  graph: (
    <>
      <circle cx="3.5" cy="8" r="1.8" />
      <circle cx="12.5" cy="3.8" r="1.8" />
      <circle cx="12.5" cy="12.2" r="1.8" />
      <path d="M5.2 7.2 10.8 4.6M5.2 8.8l5.6 2.6" />
    </>
  ),
  services: <path d="M2.5 3.5h11v3.6h-11zM2.5 9h11v3.6h-11zM5 5.3h.01M5 10.8h.01" />,
  traces: <path d="M2.5 3.5h8M4.5 8h6M7.5 12.5h6M2.5 3.5v0" />,
  logs: <path d="M3.5 2.5h9v11h-9zM5.5 5.5h5M5.5 8h5M5.5 10.5h3" />,
  config: <path d="M2.5 4.5h5M11 4.5h2.5M2.5 11.5h2M8 11.5h5.5M9.2 2.8v3.4M6.2 9.8v3.4" />,
  revisions: (
    <>
      <path d="M2.6 6.2A5.7 5.7 0 1 1 2.5 9.6M2.5 2.8v3.6h3.6" />
      <path d="M8 5.2V8l2 1.4" />
    </>
  ),
  proxies: (
    <>
      <path d="M8 1.8 13.4 4.9v6.2L8 14.2 2.6 11.1V4.9z" />
      <path d="M2.6 4.9 8 8l5.4-3.1M8 8v6.2" />
    </>
  ),
  settings: (
    <>
      <circle cx="8" cy="5" r="2.6" />
      <path d="M2.8 13.8c.5-2.7 2.5-4 5.2-4s4.7 1.3 5.2 4" />
    </>
  ),
  search: (
    <>
      <circle cx="7" cy="7" r="4.3" />
      <path d="m10.2 10.2 3.3 3.3" />
    </>
  ),
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  play: <path d="m5 3 7.5 5L5 13z" />,
  lock: <path d="M4 7.2h8v6H4zM5.6 7.2V5.1a2.4 2.4 0 0 1 4.8 0v2.1" />,
  unlock: <path d="M4 7.2h8v6H4zM5.6 7.2V4.6a2.4 2.4 0 0 1 4.6-.9" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.2" />,
  help: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M6.3 6.3a1.8 1.8 0 1 1 2.5 1.7c-.6.3-.8.6-.8 1.2M8 11.3h.01" />
    </>
  ),
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M3.5 12.5l.8-.8M11.7 4.3l.8-.8" />
    </>
  ),
  moon: <path d="M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7z" />,
  auto: (
    <>
      <circle cx="8" cy="8" r="5.6" />
      <path d="M8 2.4v11.2A5.6 5.6 0 0 0 8 2.4z" fill="currentColor" stroke="none" />
    </>
  ),
  left: <path d="M10 3.5 5.5 8l4.5 4.5" />,
  right: <path d="M6 3.5 10.5 8 6 12.5" />,
  down: <path d="M3.5 6 8 10.5 12.5 6" />,
  copy: <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />,
  plus: <path d="M8 3v10M3 8h10" />,
  minus: <path d="M3 8h10" />,
  fit: <path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10" />,
  columns: <path d="M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10" />,
  check: <path d="m3 8.5 3.3 3.3L13 4.8" />,
  undo: <path d="M3 6.5h6.2a3.6 3.6 0 0 1 0 7.2H6M5.8 3.7 3 6.5l2.8 2.8" />,
  brand: (
    <>
      <path d="M3 2v3.6M3 10.4V14M8 2v3.6M8 10.4V14M13 2v3.6M13 10.4V14" />
      <circle cx="3" cy="8" r="1.7" />
      <circle cx="8" cy="8" r="1.7" />
      <circle cx="13" cy="8" r="1.7" />
    </>
  ),
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof paths;

/** An icon beside a word, or alone in a button that has a label. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true">
      {paths[name]}
    </svg>
  );
}
