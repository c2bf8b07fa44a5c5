/** The `?` sheet: every key, what the statuses mean, how to filter. */
import { Icon } from "../ui/icon.tsx";
import { Status } from "../ui/status.tsx";
import { destinations } from "./destinations.ts";
import { Dialog } from "./dialog.tsx";

export default function HelpSheet({ close }: { close: () => void }) {
  return (
    <Dialog label="Keyboard and help" close={close}>
      <div className="sheet__head">
        <h2>Keyboard and help</h2>
        <button
          type="button"
          className="button button--quiet button--icon"
          aria-label="Close"
          onClick={close}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="sheet">
        <section>
          <h3>Go to</h3>
          <dl>
            <Key keys={["g", "o"]}>Overview</Key>
            {destinations.map((page) => (
              <Key key={page.to} keys={["g", page.key]}>
                {page.word}
              </Key>
            ))}
          </dl>
        </section>
        <section>
          <h3>On a page</h3>
          <dl>
            <Key keys={["⌘", "K"]}>Search and commands</Key>
            <Key keys={["/"]}>Filter</Key>
            <Key keys={["j", "k"]}>Next and previous row</Key>
            <Key keys={["Enter"]}>Open</Key>
            <Key keys={["e"]}>Edit an object</Key>
            <Key keys={["Esc"]}>Close the panel</Key>
            <Key keys={["←", "→", "↑", "↓"]}>Walk the graph</Key>
          </dl>
        </section>
        <section>
          <h3>Time</h3>
          <dl>
            <Key keys={["."]}>Live or paused</Key>
            <Key keys={["[", "]"]}>Back and forth</Key>
          </dl>
          <p className="muted small">Drag on any chart to look at that range everywhere.</p>
        </section>
        <section>
          <h3>Status</h3>
          <dl>
            <dt>
              <Status health="ok" />
            </dt>
            <dd>errors below 1 %</dd>
            <dt>
              <Status health="warn" />
            </dt>
            <dd>errors from 1 %</dd>
            <dt>
              <Status health="bad" />
            </dt>
            <dd>errors from 5 %</dd>
            <dt>
              <Status health="idle" />
            </dt>
            <dd>nothing to judge in this range</dd>
          </dl>
        </section>
        <section>
          <h3>Filters</h3>
          <p className="small">
            <code>errors &gt; 1%</code>, <code>p95 &gt; 300ms</code>, <code>ns = shop</code>,{" "}
            <code>!mtls</code>, <code>path ~ /api</code>, or a word. All must hold.
          </p>
        </section>
      </div>
    </Dialog>
  );
}

function Key({ keys, children }: { keys: string[]; children: string }) {
  return (
    <>
      <dt>
        {keys.map((key, index) => (
          <kbd key={`${key}${index}`}>{key}</kbd>
        ))}
      </dt>
      <dd>{children}</dd>
    </>
  );
}
