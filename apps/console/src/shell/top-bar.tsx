/** The top bar: mesh, search and commands, time range, age of data, theme, help. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { meshesQuery } from "../data/queries.ts";
import { RangePicker } from "../time/range-picker.tsx";
import { Icon } from "../ui/icon.tsx";
import { DataAge } from "./data-age.tsx";
import type { Layer } from "./frame.tsx";
import { nextTheme, setTheme, useTheme } from "./theme.ts";
import { useCurrentMesh } from "./use-current-mesh.ts";

const themeIcon = { auto: "auto", light: "sun", dark: "moon" } as const;
const themeWord = { auto: "as the system", light: "light", dark: "dark" } as const;

export function TopBar({ open }: { open: (layer: Layer) => void }) {
  const theme = useTheme();
  return (
    <header className="top">
      <Link to="/" className="top__brand" aria-label="Heddle, overview">
        <Icon name="brand" />
        <span>Heddle</span>
      </Link>
      <MeshPicker />
      <button
        type="button"
        className="button top__search"
        onClick={() => open("palette")}
        aria-label="Search and commands"
      >
        <Icon name="search" />
        <span>Search or jump to…</span>
        <kbd>⌘K</kbd>
      </button>
      <span className="top__space" />
      <DataAge />
      <RangePicker />
      <button
        type="button"
        className="button button--quiet button--icon"
        aria-label={`Theme: ${themeWord[theme]}`}
        title={`Theme: ${themeWord[theme]}`}
        onClick={() => setTheme(nextTheme(theme))}
      >
        <Icon name={themeIcon[theme]} />
      </button>
      <button
        type="button"
        className="button button--quiet button--icon top__wide"
        aria-label="Keyboard and help"
        title="Keyboard and help (?)"
        onClick={() => open("help")}
      >
        <Icon name="help" />
      </button>
    </header>
  );
}

function MeshPicker() {
  const mesh = useCurrentMesh();
  const { data } = useQuery(meshesQuery());
  const navigate = useNavigate();
  if (mesh === undefined) return null;
  return (
    <select
      className="input"
      aria-label="Mesh"
      title="Mesh"
      value={mesh}
      onChange={(event) => void navigate({ to: "/m/$mesh", params: { mesh: event.target.value } })}
    >
      {(data ?? []).some((each) => each.name === mesh) ? null : (
        <option value={mesh}>{mesh}</option>
      )}
      {data?.map((each) => (
        <option key={each.id} value={each.name}>
          {each.name}
        </option>
      ))}
    </select>
  );
}
