/** A new object: a starter by kind, then the same editor, review and apply as for any other. */
import { Link, useNavigate } from "@tanstack/react-router";
import { splitKey } from "../revisions/change-summary.ts";
import { useMesh, usePageSearch } from "../route/page-search.ts";
import { Page } from "../ui/page.tsx";
import { DraftEditor } from "./draft-editor.tsx";
import { starterKinds, starterText } from "./starters.ts";

export function NewObjectPage() {
  const mesh = useMesh();
  const navigate = useNavigate();
  const [{ kind = "VirtualService", service = "reviews" }, change] = usePageSearch();
  return (
    <Page
      title="New object"
      fill
      crumb={
        <Link to="/m/$mesh/config" params={{ mesh }}>
          Config
        </Link>
      }
      actions={
        <label className="toolbar">
          <span className="muted">Start from</span>
          <select
            className="input"
            value={kind}
            onChange={(event) => change({ kind: event.target.value })}
          >
            {starterKinds.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      }
    >
      <DraftEditor
        key={kind}
        mesh={mesh}
        file={`new-${kind.toLowerCase()}.yaml`}
        namespace={undefined}
        stored=""
        starter={starterText(kind, service)}
        onApplied={(revision, keys) => {
          const [first] = keys;
          if (first === undefined) return;
          const { kind: made, namespace, name } = splitKey(first);
          void navigate({
            to: "/m/$mesh/config/$kind/$ns/$name",
            params: { mesh, kind: made, ns: namespace, name },
            search: { sel: String(revision) },
          });
        }}
      />
    </Page>
  );
}
