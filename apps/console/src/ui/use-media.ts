/** Whether a media query holds, followed as it changes. */
import { useCallback, useSyncExternalStore } from "react";

function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const media = matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

/** True on a phone: two-line lists instead of tables. */
export function useNarrow(): boolean {
  return useMedia("(max-width: 720px)");
}
