/** A dashboard as it is written here: what is shown, in which words and units. How Grafana wants it is `grafana-json.ts`. */

export interface Dashboard {
  /** In its address, and what others link to. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

/** What the reader chooses; `$name` in expressions. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** PromQL whose series each have a value in the label `name`. */
  readonly values: string;
  /** Whether several may be chosen, at first all. */
  readonly several?: boolean;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

interface Shown {
  readonly title: string;
  /** What it means, where the title does not say all. */
  readonly description?: string;
  /** Grafana's name of it: `reqps`, `percentunit`, `ms`, `bytes`, `Bps`, `short`, `s`. */
  readonly unit: string;
}

/** One number now. */
export interface Stat extends Shown {
  readonly kind: "stat";
  readonly query: string;
  /** From where on it is bad: above these, or below where the first is larger. */
  readonly thresholds?: { readonly warn: number; readonly bad: number };
}

/** How it went. */
export interface Graph extends Shown {
  readonly kind: "graph";
  readonly queries: readonly Query[];
  /** Of values that add up to a whole. */
  readonly stacked?: boolean;
}

export interface Query {
  readonly expr: string;
  /** Labels in `{{…}}`. */
  readonly legend: string;
}

/** How things stand now, one a line. */
export interface Table {
  readonly kind: "table";
  readonly title: string;
  readonly description?: string;
  /** Labels that name a line, and their titles. */
  readonly names: Readonly<Record<string, string>>;
  readonly columns: readonly Column[];
}

export interface Column {
  readonly title: string;
  readonly expr: string;
  readonly unit: string;
}

export type Panel = Stat | Graph | Table;
