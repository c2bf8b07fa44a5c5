/** What surrounds every page: top bar, rail, palette and help sheet, keyboard, and the mesh's events. */
import { Outlet, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useMeshEvents } from "../data/use-mesh-events.ts";
import { Rail } from "./rail.tsx";
import { TopBar } from "./top-bar.tsx";
import { useShortcuts } from "./use-shortcuts.ts";

const Palette = lazy(() => import("./palette.tsx"));
const HelpSheet = lazy(() => import("./help-sheet.tsx"));

export type Layer = "palette" | "help" | undefined;

export function Frame() {
  const [layer, setLayer] = useState<Layer>();
  const mesh = useParams({ strict: false }).mesh;
  useShortcuts(setLayer);
  useMeshEvents(mesh);
  return (
    <div className="frame">
      <TopBar open={setLayer} />
      <Rail open={setLayer} />
      <main className="page" id="page" tabIndex={-1}>
        <Outlet />
      </main>
      <Suspense>
        {layer === "palette" ? <Palette close={() => setLayer(undefined)} open={setLayer} /> : null}
        {layer === "help" ? <HelpSheet close={() => setLayer(undefined)} /> : null}
      </Suspense>
    </div>
  );
}
