/** Overlays end by themselves, also while the plane is away. */

/** Calls back at the time that was planned last, milliseconds since 1970, and plans what that answers with. */
export function createOverlayTimer(expire: (now: number) => number | undefined) {
  let timer: NodeJS.Timeout | undefined;
  const plan = (at: number | undefined): void => {
    clearTimeout(timer);
    if (at === undefined) return;
    timer = setTimeout(
      () => plan(expire(Date.now())),
      Math.min(Math.max(0, at - Date.now()) + 1, 2 ** 31 - 1),
    );
  };
  return { plan, close: () => clearTimeout(timer) };
}
