/** The table: each figure of ours beside the peer's, and the bar that it is held against. */
import { quantile } from "../../harness/quantile.ts";
import type { Round } from "./rounds.ts";

export type Side = "istiod" | "plain" | "onDemand";

export interface Load {
  readonly services: number;
  readonly clients: number;
  readonly rounds: number;
  /** Services that a client on demand asks for. */
  readonly onDemand: number;
}

export interface Results {
  readonly load: Load;
  readonly rounds: Readonly<Partial<Record<Side, readonly Round[]>>>;
  /** One route changed, on demand, in a small mesh and in a large one. */
  readonly growth?: { readonly from: Sized; readonly to: Sized };
  readonly starts: readonly Start[];
}

export interface Sized {
  readonly services: number;
  readonly ms: readonly number[];
}

export interface Start {
  readonly what: string;
  readonly ms: readonly number[];
  readonly barMs: number;
}

export type Unit = "ms" | "bytes";

export interface Row {
  readonly what: string;
  readonly unit: Unit;
  readonly ours: Spread;
  /** What ours is a share of: the peer's, or ours in another mesh. */
  readonly beside?: Spread & { readonly of: string };
  readonly bar?: Bar;
}

/** The most that ours may be: a share of what it is beside, or an amount. */
export type Bar = { readonly share: number } | { readonly amount: number };

/** Of the rounds. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Of istiod's, by what is measured; `onDemand` clients are held against istiod's plain ones, since it has no others. */
const BARS = {
  plain: {
    route: { ms: 1 / 6, cpuMs: 1 / 6 },
    endpoint: { ms: 1 / 5, cpuMs: 1 },
    configured: { ms: 1 / 2, cpuMs: 1 / 5 },
    resident: 1 / 2,
  },
  onDemand: {
    route: { ms: 1 / 20, cpuMs: 1 / 20, bytes: 1 / 200 },
    endpoint: { ms: 1 / 5, cpuMs: 1 },
    configured: { ms: 1 / 10, cpuMs: 1 / 20, bytes: 1 / 20 },
    resident: 1 / 4,
  },
} as const;
/** How much longer a change may take in the large mesh. */
const GROWTH = 2;

const COSTS = { ms: "time", cpuMs: "CPU", bytes: "bytes" } as const;
const PEER = "istiod";

export function rowsOf({ load, rounds, growth, starts }: Results): Row[] {
  const works = {
    route: "one VirtualService changed → last client",
    endpoint: "one endpoint changed → last client",
    configured: `${load.clients} clients, from nothing`,
  } as const;
  const rows: Row[] = [];
  for (const side of ["plain", "onDemand"] as const) {
    const ours = rounds[side];
    if (!ours) continue;
    const how = side === "plain" ? "plain" : "on demand";
    const add = (what: string, unit: Unit, bar: number | undefined, pick: (of: Round) => number) =>
      rows.push({
        ...{ what: `${what}, ${how}`, unit, ours: spreadOf(ours.map(pick)) },
        ...(rounds.istiod ? { beside: { ...spreadOf(rounds.istiod.map(pick)), of: PEER } } : {}),
        ...(bar === undefined ? {} : { bar: { share: bar } }),
      });
    for (const work of ["route", "endpoint", "configured"] as const)
      for (const cost of ["ms", "cpuMs", "bytes"] as const) {
        const bars: Partial<Record<typeof cost, number>> = BARS[side][work];
        const unit = cost === "bytes" ? "bytes" : "ms";
        add(`${works[work]}: ${COSTS[cost]}`, unit, bars[cost], (round) => round[work][cost]);
      }
    add(
      `resident memory with ${load.clients} clients`,
      "bytes",
      BARS[side].resident,
      ({ residentBytes }) => residentBytes,
    );
  }
  if (growth) {
    const { from, to } = growth;
    rows.push({
      what: `one route changed → last client, on demand, with ${to.services.toLocaleString("en")} services`,
      unit: "ms",
      ours: spreadOf(to.ms),
      beside: { ...spreadOf(from.ms), of: `ours with ${from.services}` },
      bar: { share: GROWTH },
    });
  }
  for (const { what, ms, barMs } of starts)
    rows.push({ what, unit: "ms", ours: spreadOf(ms), bar: { amount: barMs } });
  return rows;
}

/** Of the medians; undefined where there is nothing beside it. */
export function shareOf({ ours, beside }: Row): number | undefined {
  return beside && ours.median / beside.median;
}

/** Undefined where there is no bar, or nothing to hold it against. */
export function holds(row: Row): boolean | undefined {
  if (row.bar === undefined) return undefined;
  if ("amount" in row.bar) return row.ours.median <= row.bar.amount;
  const share = shareOf(row);
  return share === undefined ? undefined : share <= row.bar.share;
}

function spreadOf(values: readonly number[]): Spread {
  return {
    median: quantile(values, 0.5),
    least: Math.min(...values),
    most: Math.max(...values),
  };
}
