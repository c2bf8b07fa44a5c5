/** Everything about one span: how long, what it was, why it failed, and the way to its logs and service. */
import type { Span } from "@heddle/client";
import { Link } from "@tanstack/react-router";
import { durationText, shortHost } from "../format/numbers.ts";
import { explainFlags } from "../logs/flags.ts";
import { Icon } from "../ui/icon.tsx";
import { Status } from "../ui/status.tsx";
import { failed } from "./span-tree.ts";

export function SpanPanel({ mesh, span, close }: { mesh: string; span: Span; close: () => void }) {
  const flags = explainFlags(
    String(span.attributes["response_flags"] ?? span.attributes["http.response_flags"] ?? ""),
  );
  return (
    <aside className="panel" aria-label="Span">
      <div className="panel__head">
        <div>
          <h2 className="cut" title={span.operation}>
            {shortHost(span.operation)}
          </h2>
          <p className="muted small">
            {span.kind} span of {span.service}
          </p>
        </div>
        <button
          type="button"
          className="button button--quiet button--icon"
          aria-label="Close"
          onClick={close}
        >
          <Icon name="close" />
        </button>
      </div>
      <div className="panel__body">
        <dl className="facts">
          <dt>Outcome</dt>
          <dd>
            <Status health={failed(span) ? "bad" : "ok"}>{failed(span) ? "failed" : "ok"}</Status>
          </dd>
          <dt>Duration</dt>
          <dd className="num">{durationText(span.durationNs / 1e6)}</dd>
          <dt>Began</dt>
          <dd className="num">{durationText(span.offsetNs / 1e6)} after the trace</dd>
        </dl>
        {flags.length > 0 ? (
          <ul className="small">
            {flags.map((meaning) => (
              <li key={meaning.flag}>
                <code className="tone-bad">{meaning.flag}</code> {meaning.title}.{" "}
                <span className="muted">{meaning.hint}</span>
              </li>
            ))}
          </ul>
        ) : null}
        <div className="toolbar">
          <Link
            to="/m/$mesh/logs"
            params={{ mesh }}
            search={{ q: `trace = ${span.traceId}`, service: span.service }}
            className="button"
          >
            Logs of this span
          </Link>
          <Link
            to="/m/$mesh/traces"
            params={{ mesh }}
            search={{ service: span.service }}
            className="button"
          >
            Traces of {span.service.split(".")[0]}
          </Link>
        </div>
        {span.events.length > 0 ? (
          <section>
            <h3>Events</h3>
            {span.events.map((event) => (
              <div key={`${event.name}${event.offsetNs}`} style={{ marginTop: 4 }}>
                <p className="small num">
                  {event.name} at {durationText(event.offsetNs / 1e6)}
                </p>
                <Attributes values={event.attributes} />
              </div>
            ))}
          </section>
        ) : null}
        <section>
          <h3>Attributes</h3>
          <Attributes values={span.attributes} />
        </section>
        <section>
          <h3>Resource</h3>
          <Attributes values={span.resource} />
        </section>
        <p className="muted small mono">{span.spanId}</p>
      </div>
    </aside>
  );
}

function Attributes({ values }: { values: Span["attributes"] }) {
  const entries = Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
  if (entries.length === 0) return <p className="muted small">none</p>;
  return (
    <dl className="attributes">
      {entries.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{String(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
