/** Percentages with up to four decimals as Envoy's fractions. */
import type { FractionalPercent } from "@heddle/envoy/type/v3";

/** `percent` is 0 to 100. */
export function fraction(percent: number): FractionalPercent {
  return Number.isInteger(percent)
    ? { numerator: percent, denominator: "HUNDRED" }
    : { numerator: Math.round(percent * 10_000), denominator: "MILLION" };
}
