/** `⌘K`: pages, services, objects, meshes and commands in one list. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { meshesQuery, objectsQuery, servicesQuery } from "../data/queries.ts";
import { healthOf } from "../health/health.ts";
import { useTimeRange } from "../route/page-search.ts";
import { dropToken } from "../session/token.ts";
import { toggleLive } from "../time/range.ts";
import { Icon, type IconName } from "../ui/icon.tsx";
import { StatusShape } from "../ui/status.tsx";
import { destinations } from "./destinations.ts";
import { Dialog } from "./dialog.tsx";
import type { Layer } from "./frame.tsx";
import { inGroups, rankMatches } from "./rank-matches.ts";
import { nextTheme, setTheme, useTheme } from "./theme.ts";
import { useCurrentMesh } from "./use-current-mesh.ts";

interface Entry {
  group: "Pages" | "Services" | "Objects" | "Meshes" | "Commands";
  text: string;
  about: string;
  icon: IconName;
  health?: ReturnType<typeof healthOf>;
  run: () => void;
}

/** More than this is not read but typed on. */
const MOST_SHOWN = 40;

export default function Palette({
  close,
  open,
}: {
  close: () => void;
  open: (layer: Layer) => void;
}) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const entries = useEntries(open);
  const found = useMemo(
    () =>
      inGroups(
        rankMatches(text, entries, (entry) => entry.text),
        (entry) => entry.group,
      ).slice(0, MOST_SHOWN),
    [text, entries],
  );
  const chosen = Math.min(at, found.length - 1);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  function run(entry: Entry | undefined) {
    if (!entry) return;
    close();
    entry.run();
  }

  function onKey(event: KeyboardEvent) {
    if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
    else if (event.key === "Enter") run(found[chosen]);
    else return;
    event.preventDefault();
  }

  return (
    <Dialog label="Search and commands" close={close}>
      <input
        className="palette__field"
        placeholder="Page, service, object or command"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={`palette-${chosen}`}
        autoFocus
        spellCheck={false}
        value={text}
        onKeyDown={onKey}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
      />
      <div
        className="palette__list"
        id="palette-list"
        role="listbox"
        aria-label="Results"
        ref={list}
      >
        {found.map((entry, index) => (
          <div key={`${entry.group} ${entry.text} ${entry.about}`}>
            {entry.group === found[index - 1]?.group ? null : (
              <div className="palette__group">{entry.group}</div>
            )}
            <div
              id={`palette-${index}`}
              className="palette__item"
              role="option"
              aria-selected={index === chosen}
              onMouseMove={() => setAt(index)}
              onClick={() => run(entry)}
            >
              <Icon name={entry.icon} />
              <span className="nowrap">{entry.text}</span>
              <span className="muted cut">{entry.about}</span>
              {entry.health ? <StatusShape health={entry.health} /> : null}
            </div>
          </div>
        ))}
        {found.length === 0 ? <p className="palette__group">Nothing is called “{text}”.</p> : null}
      </div>
    </Dialog>
  );
}

function useEntries(open: (layer: Layer) => void): Entry[] {
  const navigate = useNavigate();
  const mesh = useCurrentMesh();
  const theme = useTheme();
  const [range, setRange] = useTimeRange();
  const services = useQuery({ ...servicesQuery(mesh ?? "", range), enabled: mesh !== undefined });
  const objects = useQuery({ ...objectsQuery(mesh ?? ""), enabled: mesh !== undefined });
  const meshes = useQuery(meshesQuery());
  return useMemo(() => {
    const entries: Entry[] = [
      {
        group: "Pages",
        text: "Overview",
        about: "what is wrong, what changed",
        icon: "overview",
        run: () => void navigate({ to: "/" }),
      },
    ];
    if (mesh !== undefined) {
      for (const page of destinations) {
        entries.push({
          group: "Pages",
          text: page.word,
          about: page.about,
          icon: page.icon,
          run: () => void navigate({ to: page.to, params: { mesh } }),
        });
      }
      for (const service of services.data?.items ?? []) {
        entries.push({
          group: "Services",
          text: service.name,
          about: service.namespace,
          icon: "services",
          health: healthOf(service.golden),
          run: () =>
            void navigate({
              to: "/m/$mesh/services/$service",
              params: { mesh, service: service.host },
            }),
        });
      }
      for (const { kind, metadata } of objects.data ?? []) {
        entries.push({
          group: "Objects",
          text: metadata.name,
          about: `${kind} in ${metadata.namespace}`,
          icon: "config",
          run: () =>
            void navigate({
              to: "/m/$mesh/config/$kind/$ns/$name",
              params: { mesh, kind, ns: metadata.namespace || "-", name: metadata.name },
            }),
        });
      }
      entries.push({
        group: "Commands",
        text: "New object",
        about: "write configuration",
        icon: "plus",
        run: () => void navigate({ to: "/m/$mesh/config/new", params: { mesh } }),
      });
    }
    for (const each of meshes.data ?? []) {
      if (each.name === mesh) continue;
      entries.push({
        group: "Meshes",
        text: each.name,
        about: each.trustDomain,
        icon: "graph",
        run: () => void navigate({ to: "/m/$mesh", params: { mesh: each.name } }),
      });
    }
    entries.push(
      {
        group: "Commands",
        text: range.kind === "live" ? "Pause" : "Follow live",
        about: "hold or follow the time range",
        icon: range.kind === "live" ? "pause" : "play",
        run: () => setRange(toggleLive(range, Date.now())),
      },
      {
        group: "Commands",
        text: `Theme: ${nextTheme(theme)}`,
        about: "light, dark or as the system",
        icon: "moon",
        run: () => setTheme(nextTheme(theme)),
      },
      {
        group: "Commands",
        text: "Keyboard and help",
        about: "every key",
        icon: "help",
        run: () => open("help"),
      },
      {
        group: "Commands",
        text: "Access",
        about: "token and settings",
        icon: "settings",
        run: () => void navigate({ to: "/settings" }),
      },
      {
        group: "Commands",
        text: "Sign out",
        about: "forget the token",
        icon: "settings",
        run: () => dropToken(),
      },
    );
    return entries;
  }, [mesh, meshes.data, navigate, objects.data, open, range, services.data, setRange, theme]);
}
