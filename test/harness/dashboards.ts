/** What Grafana would ask a Prometheus for the dashboards that `heddle addons` installs, from the JSON that Grafana is given. */
import { DASHBOARDS, grafanaJson } from "@heddle/kube";

export interface Asked {
  /** `heddle-mesh: Requests: Duration` */
  readonly what: string;
  readonly expr: string;
}

interface Json {
  readonly uid: string;
  readonly panels: readonly {
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly {
      readonly expr: string;
    }[];
  }[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly query: string | { readonly query: string };
      readonly regex: string;
    }[];
  };
}

const all = DASHBOARDS.map((each) => grafanaJson(each) as unknown as Json);

/** Of every panel. `chosen`: the value of each variable; `over`: what rates reach over, such as `1m`. */
export function panelQueries(chosen: Readonly<Record<string, string>>, over: string): Asked[] {
  return all.flatMap(({ uid, panels }) => {
    let row = "";
    return panels.flatMap(({ type, title, targets = [] }) => {
      if (type === "row") row = title;
      return targets.map(({ expr }) => ({
        what: `${uid}: ${row}: ${title}`,
        expr: filledIn(expr, { ...chosen, __rate_interval: over }),
      }));
    });
  });
}

export interface Choice extends Asked {
  readonly name: string;
  /** What Grafana takes the value out of a series by. */
  readonly regex: RegExp;
}

/** Of the variables that a reader chooses. */
export function choices(chosen: Readonly<Record<string, string>>): Choice[] {
  return all.flatMap(({ uid, templating }) =>
    templating.list.flatMap(({ name, query, regex }) => {
      if (typeof query === "string") return [];
      const [, expr = ""] = /^query_result\((.*)\)$/s.exec(query.query) ?? [];
      const pattern = new RegExp(regex.slice(1, -1));
      return [{ what: `${uid}: ${name}`, name, regex: pattern, expr: filledIn(expr, chosen) }];
    }),
  );
}

/** Panels of which an expression has no answer, each once. */
export async function silentPanels(
  asked: readonly Asked[],
  query: (promql: string) => Promise<readonly unknown[]>,
): Promise<string[]> {
  const silent = new Set<string>();
  for (const { what, expr } of asked) if ((await query(expr)).length === 0) silent.add(what);
  return [...silent];
}

/** The value that Grafana takes from each series. */
export function valuesOf(
  { regex }: Choice,
  series: readonly { readonly labels: Readonly<Record<string, string>> }[],
): (string | undefined)[] {
  return series.map(({ labels }) => {
    const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return regex.exec(`{${text.join(",")}}`)?.[1];
  });
}

/** What is no variable stays: `$1` is the expression's own. */
function filledIn(expr: string, values: Readonly<Record<string, string>>): string {
  return expr.replaceAll(/\$(\w+)/g, (whole, name: string) => values[name] ?? whole);
}
