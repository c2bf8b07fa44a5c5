/** The left rail; on a phone, the bar at the bottom. */
import { Link } from "@tanstack/react-router";
import { Icon } from "../ui/icon.tsx";
import { destinations } from "./destinations.ts";
import type { Layer } from "./frame.tsx";
import { useCurrentMesh } from "./use-current-mesh.ts";

export function Rail({ open }: { open: (layer: Layer) => void }) {
  const mesh = useCurrentMesh();
  return (
    <nav className="rail" aria-label="Pages">
      <Link to="/" activeOptions={{ exact: true, includeSearch: false }} activeProps={current}>
        <Icon name="overview" />
        <span>Overview</span>
      </Link>
      {mesh === undefined
        ? null
        : destinations
            .filter((page) => page.rail)
            .map((page) => (
              <Link
                key={page.to}
                to={page.to}
                params={{ mesh }}
                className={page.narrow ? "" : "rail__wide"}
                activeOptions={{ includeSearch: false }}
                activeProps={current}
              >
                <Icon name={page.icon} />
                <span>{page.word}</span>
              </Link>
            ))}
      <Link to="/settings" className="rail__end" activeProps={current}>
        <Icon name="settings" />
        <span>Access</span>
      </Link>
      <button type="button" className="rail__more" onClick={() => open("palette")}>
        <Icon name="more" />
        <span>More</span>
      </button>
    </nav>
  );
}

const current = { "aria-current": "page" } as const;
