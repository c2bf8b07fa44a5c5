/** `j` and `k` (and arrows) walk a table's rows, wherever the focus was. */
import { type RefObject, useEffect, useState } from "react";
import { isTyping } from "../shell/use-shortcuts.ts";

/** The focused row's index and its setter; `reveal` scrolls a row into view so that it can take the focus. */
export function useRowKeys(
  container: RefObject<HTMLElement | null>,
  count: number,
  reveal: (index: number) => void,
  wholePage: boolean,
): { focused: number; setFocused: (index: number) => void } {
  const [focused, setFocused] = useState(0);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const inside = container.current?.contains(document.activeElement) ?? false;
      const letters = event.key === "j" || event.key === "k";
      const arrows = inside && (event.key === "ArrowDown" || event.key === "ArrowUp");
      if (!(inside || (wholePage && letters)) || !(letters || arrows)) return;
      if (
        isTyping(event.target) ||
        event.metaKey ||
        event.ctrlKey ||
        document.querySelector("dialog[open]")
      )
        return;
      const step = event.key === "j" || event.key === "ArrowDown" ? 1 : -1;
      const next = inside
        ? Math.min(Math.max(focused + step, 0), count - 1)
        : Math.min(focused, count - 1);
      if (next < 0) return;
      event.preventDefault();
      reveal(next);
      // A row that was out of sight is drawn in the next frame.
      requestAnimationFrame(() => {
        container.current
          ?.querySelector<HTMLElement>(`[role=row][data-index="${next}"]`)
          ?.focus({ preventScroll: false });
      });
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [container, count, focused, reveal, wholePage]);
  return { focused: Math.min(focused, Math.max(count - 1, 0)), setFocused };
}
