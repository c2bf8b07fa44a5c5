/** A refusal in a form of its own: by which policy, why, what the request lacks now, and the command to go on with. */
import {
  type AccessExplanation,
  accessQuestionOf,
  type AccessRule,
  type AccessStep,
  type AccessTerm,
  type LogLine,
} from "@heddle/client";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { accessQuery } from "../data/queries.ts";
import type { Health } from "../health/health.ts";
import { splitKey } from "../revisions/change-summary.ts";
import { Command } from "../ui/copy-button.tsx";
import { Skeleton } from "../ui/states.tsx";
import { Status, StatusShape } from "../ui/status.tsx";
import { type Denial, explainDenial } from "./denial.ts";

/** Nothing for a line of what was let in. */
export function DenialNotice({ mesh, line }: { mesh: string; line: LogLine }) {
  const denial = explainDenial(line);
  if (!denial) return null;
  const id = line.traceId || String(line.attributes["http.request.id"] ?? "");
  return (
    <section className="notice notice--warn denial" aria-label="Refusal">
      <StatusShape health="warn" />
      <div className="notice__text">
        <h3>
          {denial.title} <Objects mesh={mesh} denial={denial} />
          {denial.rule === undefined ? null : <>, {denial.rule}</>}
        </h3>
        <p className="muted small">{denial.hint}</p>
        <Explanation mesh={mesh} line={line} />
        {id === "" ? null : (
          <div className="actions">
            <Command text={`heddle explain ${id} --mesh ${mesh}`} />
          </div>
        )}
      </div>
    </section>
  );
}

function Objects({ mesh, denial: { by, objects } }: { mesh: string; denial: Denial }) {
  return objects.map((object, index) => {
    const [ns = "", name = ""] = object.split("/");
    return (
      <span key={object}>
        {index > 0 ? ", " : ""}
        <ObjectName mesh={mesh} kind={by} ns={ns} name={name} />
      </span>
    );
  });
}

function ObjectName({
  mesh,
  kind,
  ns,
  name,
}: {
  mesh: string;
  kind: string;
  ns: string;
  name: string;
}) {
  return (
    <Link to="/m/$mesh/config/$kind/$ns/$name" params={{ mesh, kind, ns, name }} className="mono">
      {ns}/{name}
    </Link>
  );
}

/** As the policies are now: what is in force may have changed since. */
function Explanation({ mesh, line }: { mesh: string; line: LogLine }) {
  const question = accessQuestionOf(line);
  const answers = useQuery({
    ...accessQuery(mesh, question ?? NOBODY),
    enabled: question !== undefined,
  });
  if (question === undefined) return null;
  if (answers.isPending) return <Skeleton lines={2} />;
  const explanation = answers.data?.agents.find((each) => each.explanation)?.explanation;
  if (!explanation)
    return (
      <p className="muted small">
        No agent has a proxy of this workload now that could tell what the request lacked.
      </p>
    );
  return <Steps mesh={mesh} explanation={explanation} />;
}

const NOBODY = { namespace: "", workload: "", port: 0 };

const verdicts: Readonly<Record<AccessExplanation["outcome"], readonly [Health, string]>> = {
  passes: ["ok", "Now it would be let in"],
  refused: ["warn", "It would still be refused"],
  depends: ["warn", "Now it depends on what the log does not say"],
};

function Steps({ mesh, explanation }: { mesh: string; explanation: AccessExplanation }) {
  const [health, words] = verdicts[explanation.outcome];
  const open = explanation.steps.filter(({ outcome, dryRun }) => outcome !== "passes" && !dryRun);
  return (
    <div className="denial__now">
      <Status health={health}>{words}</Status>
      {open.map((step) => (
        <Step key={step.check + step.reason} mesh={mesh} step={step} />
      ))}
    </div>
  );
}

/** More rules than these make nobody wiser. */
const MOST_RULES = 3;

function Step({
  mesh,
  step: { reason, rules = [], objects, remedy },
}: {
  mesh: string;
  step: AccessStep;
}) {
  const lacking = rules.filter(({ missing }) => missing.length > 0).slice(0, MOST_RULES);
  return (
    <div className="small">
      <p>{reason}</p>
      {lacking.length > 0 ? null : (
        <p>
          {objects.map((key) => {
            const { kind, namespace, name } = splitKey(key);
            return (
              <span key={key}>
                {kind} <ObjectName mesh={mesh} kind={kind} ns={namespace || "-"} name={name} />{" "}
              </span>
            );
          })}
        </p>
      )}
      {lacking.map((rule) => (
        <Rule key={`${rule.policy} ${rule.rule}`} rule={rule} />
      ))}
      {remedy ? <p className="muted">{remedy}</p> : null}
    </div>
  );
}

function Rule({ rule: { policy, rule, missing } }: { rule: AccessRule }) {
  return (
    <div className="denial__rule">
      <p>
        rule {rule} of <span className="mono">{policy}</span>
      </p>
      <dl className="denial__terms">
        {missing.map((term) => (
          <div key={term.field}>
            <dt className="mono">{term.field}</dt>
            <dd>{termText(term)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function termText({ wants, not, has }: AccessTerm) {
  const want = [
    ...(wants.length > 0 ? [wants.join(" or ")] : []),
    ...(not.length > 0 ? [`none of ${not.join(", ")}`] : []),
  ].join(" and ");
  const is = has === null ? "not known" : has.length > 0 ? has.join(", ") : "nothing";
  return (
    <>
      wants <b>{want}</b>, has <b>{is}</b>
    </>
  );
}
