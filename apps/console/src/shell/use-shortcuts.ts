/** The keyboard of every page: `g` and a letter to go, `/` to filter, time, palette and help. Rows and graph have their own. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useTimeRange } from "../route/page-search.ts";
import { shiftRange, toggleLive } from "../time/range.ts";
import { destinations } from "./destinations.ts";
import type { Layer } from "./frame.tsx";
import { useCurrentMesh } from "./use-current-mesh.ts";

/** A second key belongs to `g` for this long. */
const SEQUENCE_MS = 1200;

export function useShortcuts(open: (layer: Layer) => void): void {
  const navigate = useNavigate();
  const mesh = useCurrentMesh();
  const [range, setRange] = useTimeRange();
  const goneAt = useRef(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open("palette");
        return;
      }
      if (
        event.metaKey ||
        event.ctrlKey ||
        event.altKey ||
        isTyping(event.target) ||
        document.querySelector("dialog[open]")
      )
        return;
      const afterGo = event.timeStamp - goneAt.current < SEQUENCE_MS;
      goneAt.current = 0;
      if (afterGo) {
        const page = destinations.find((each) => each.key === event.key);
        if (event.key === "o") void navigate({ to: "/" });
        else if (page && mesh !== undefined) void navigate({ to: page.to, params: { mesh } });
        else return;
        event.preventDefault();
        return;
      }
      switch (event.key) {
        case "g":
          goneAt.current = event.timeStamp;
          return;
        case "/": {
          const field = document.querySelector<HTMLInputElement>("[data-filter]");
          if (!field) return;
          field.focus();
          field.select();
          break;
        }
        case "?":
          open("help");
          break;
        case ".":
          setRange(toggleLive(range, Date.now()));
          break;
        case "[":
          setRange(shiftRange(range, -1, Date.now()));
          break;
        case "]":
          setRange(shiftRange(range, 1, Date.now()));
          break;
        default:
          return;
      }
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [mesh, navigate, open, range, setRange]);
}

/** Whether a key belongs to a field or an editor. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
