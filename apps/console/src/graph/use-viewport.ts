/** Panning and zooming a drawing: wheel, drag, pinch by the trackpad, buttons; fits the whole at first and when asked, and never moves by itself. */
import { type PointerEvent, type RefObject, useCallback, useEffect, useRef, useState } from "react";

export interface Viewport {
  x: number;
  y: number;
  scale: number;
}

const SMALLEST = 0.15;
const LARGEST = 2;
const MARGIN_PX = 24;

interface Size {
  width: number;
  height: number;
}

export function useViewport(frame: RefObject<HTMLElement | null>, content: Size | undefined) {
  const [view, setView] = useState<Viewport>({ x: 0, y: 0, scale: 1 });
  const [settled, setSettled] = useState(false);
  const taken = useRef(false);
  const drag = useRef<{ x: number; y: number; moved: boolean } | undefined>(undefined);

  const fit = useCallback(() => {
    const element = frame.current;
    if (!element || !content || content.width === 0) return;
    setView(fitted({ width: element.clientWidth, height: element.clientHeight }, content));
    taken.current = false;
    setSettled(true);
  }, [frame, content]);

  useEffect(() => {
    if (!taken.current) fit();
  }, [fit]);
  const zoom = useCallback(
    (factor: number, at?: { x: number; y: number }) => {
      const element = frame.current;
      if (!element) return;
      taken.current = true;
      const centre = at ?? { x: element.clientWidth / 2, y: element.clientHeight / 2 };
      setView((old) => zoomed(old, factor, centre));
    },
    [frame],
  );
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const at = { x: event.clientX - box.left, y: event.clientY - box.top };
      zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), at);
    };
    // React's own wheel listeners are passive and could not hold the page.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [frame, zoom]);

  const handlers = {
    onPointerDown(event: PointerEvent<HTMLElement>) {
      if (event.button !== 0 || (event.target as Element).closest("button")) return;
      drag.current = { x: event.clientX, y: event.clientY, moved: false };
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove(event: PointerEvent<HTMLElement>) {
      const last = drag.current;
      if (!last) return;
      const dx = event.clientX - last.x;
      const dy = event.clientY - last.y;
      if (!last.moved && Math.hypot(dx, dy) < 4) return;
      taken.current = true;
      drag.current = { x: event.clientX, y: event.clientY, moved: true };
      setView((old) => ({ ...old, x: old.x + dx, y: old.y + dy }));
    },
    onPointerUp() {
      drag.current = undefined;
    },
  };

  /** Moves a box into sight, and only then takes over. */
  const reveal = useCallback(
    (box: { x: number; y: number } & Size) => {
      const element = frame.current;
      if (!element) return;
      setView((old) => {
        const moved = revealed(old, box, {
          width: element.clientWidth,
          height: element.clientHeight,
        });
        if (moved !== old) taken.current = true;
        return moved;
      });
    },
    [frame],
  );
  return { view, settled, fit, zoom, reveal, handlers };
}

/** The whole content in the middle of the frame, never larger than life. */
export function fitted(frame: Size, content: Size): Viewport {
  const scale = Math.max(
    SMALLEST,
    Math.min(
      1,
      (frame.width - 2 * MARGIN_PX) / content.width,
      (frame.height - 2 * MARGIN_PX) / content.height,
    ),
  );
  return {
    scale,
    x: (frame.width - content.width * scale) / 2,
    y: (frame.height - content.height * scale) / 2,
  };
}

/** Zooms so that the point under the pointer stays there. */
export function zoomed(view: Viewport, factor: number, at: { x: number; y: number }): Viewport {
  const scale = Math.min(LARGEST, Math.max(SMALLEST, view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

function revealed(view: Viewport, box: { x: number; y: number } & Size, frame: Size): Viewport {
  const left = box.x * view.scale + view.x;
  const top = box.y * view.scale + view.y;
  const right = left + box.width * view.scale;
  const bottom = top + box.height * view.scale;
  const dx =
    left < MARGIN_PX
      ? MARGIN_PX - left
      : right > frame.width - MARGIN_PX
        ? frame.width - MARGIN_PX - right
        : 0;
  const dy =
    top < MARGIN_PX
      ? MARGIN_PX - top
      : bottom > frame.height - MARGIN_PX
        ? frame.height - MARGIN_PX - bottom
        : 0;
  return dx === 0 && dy === 0 ? view : { ...view, x: view.x + dx, y: view.y + dy };
}
