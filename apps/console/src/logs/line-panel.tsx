/** One log line in full: what happened in words, and every value ready to filter by. */
import type { LogLine } from "@heddle/client";
import { Link } from "@tanstack/react-router";
import { addTerm } from "../filter/query.ts";
import { durationText } from "../format/numbers.ts";
import { usePageSearch } from "../route/page-search.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { Icon } from "../ui/icon.tsx";
import { Status } from "../ui/status.tsx";
import { explainDryRun } from "./denial.ts";
import { DenialNotice } from "./denial-notice.tsx";
import { explainFlags } from "./flags.ts";
import { lineHealth } from "./line-health.ts";

const sides = {
  client: "the client's doing",
  upstream: "the service's doing",
  configuration: "the configuration's doing",
  limit: "a limit",
} as const;

export function LinePanel({
  mesh,
  line,
  close,
}: {
  mesh: string;
  line: LogLine;
  close: () => void;
}) {
  const flags = explainFlags(line.flags);
  const dryRun = explainDryRun(line);
  const host = line.destination.service;
  return (
    <aside className="panel" aria-label="Log line">
      <div className="panel__head">
        <div>
          <h2 className="cut mono">
            {line.method === "" ? "Connection" : `${line.method} ${line.path}`}
          </h2>
          <p className="muted small">{new Date(line.time).toISOString()}</p>
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
        <Status health={lineHealth(line)}>
          {line.status === 0 ? "no answer" : `answered ${line.status}`} after{" "}
          {durationText(line.durationMs)}
        </Status>
        <DenialNotice mesh={mesh} line={line} />
        {flags.length > 0 || dryRun ? (
          <section>
            <h3>What happened</h3>
            <ul style={{ display: "grid", gap: 8, marginTop: 4 }}>
              {dryRun ? <li>{dryRun}</li> : null}
              {flags.map((meaning) => (
                <li key={meaning.flag}>
                  <code className="tone-bad">{meaning.flag}</code> {meaning.title}{" "}
                  <span className="muted">({sides[meaning.side]})</span>
                  <p className="muted small">{meaning.hint}</p>
                </li>
              ))}
            </ul>
          </section>
        ) : null}
        <div className="toolbar">
          {line.traceId === "" ? null : (
            <Link to="/m/$mesh/traces/$id" params={{ mesh, id: line.traceId }} className="button">
              Trace
            </Link>
          )}
          {host === "" ? null : (
            <Link
              to="/m/$mesh/services/$service"
              params={{ mesh, service: host }}
              className="button"
            >
              Service page
            </Link>
          )}
          <Link
            to="/m/$mesh/config"
            params={{ mesh }}
            search={{ q: (host || line.destination.workload).split(".")[0] ?? "" }}
            className="button"
          >
            Routes and policies
          </Link>
        </div>
        <section>
          <h3>
            Values <span className="muted small">press one to filter by it</span>
          </h3>
          <dl className="values">
            <Value name="status" field="status" value={line.status} />
            <Value name="flags" field="flag" value={line.flags} />
            <Value name="method" field="method" value={line.method} />
            <Value name="path" field="path" value={line.path} />
            <Value name="from" field="from" value={line.source.workload} />
            <Value name="to" field="to" value={line.destination.workload} />
            <Value name="host" field="host" value={host} />
            <Value name="namespace" field="ns" value={line.destination.namespace} />
            <Value name="reporter" field="reporter" value={line.reporter} />
            <Value name="trace" field="trace" value={line.traceId} />
          </dl>
        </section>
        <section>
          <h3>Attributes</h3>
          <dl className="values">
            {Object.entries(line.attributes)
              .sort(([one], [other]) => (one < other ? -1 : 1))
              .map(([name, value]) => (
                <Value key={name} name={name} field="body" value={value} plain />
              ))}
          </dl>
        </section>
        <section>
          <h3>Line</h3>
          <p className="mono small" style={{ overflowWrap: "anywhere" }}>
            {line.body} <CopyButton text={line.body} label="Copy the line" />
          </p>
        </section>
      </div>
    </aside>
  );
}

interface ValueProps {
  name: string;
  field: string;
  value: string | number | boolean;
  /** Shown, but nothing to filter by. */
  plain?: boolean;
}

function Value({ name, field, value, plain = false }: ValueProps) {
  const [{ q = "" }, change] = usePageSearch();
  if (value === "") return null;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {plain ? (
          String(value)
        ) : (
          <button
            type="button"
            className="link mono"
            onClick={() => change({ q: addTerm(q, field, "=", String(value)) }, "push")}
          >
            {String(value)}
          </button>
        )}
      </dd>
    </>
  );
}
