/** One fuzz run as a test: prints its seed and figures, and gives what it found as text. */
import { fuzz } from "./run.ts";

/** Another seed is tried with HEDDLE_FUZZ_SEED. */
const SEED = 20261124;

export function checkFuzz(trials: number): string {
  const seed = Number(process.env["HEDDLE_FUZZ_SEED"] ?? SEED);
  const { findings, accepted, refused, slowest, slowestFirst } = fuzz(seed, trials);
  console.log(
    `seed ${seed}: ${trials} trials, ${accepted} accepted, ${refused} refused; slowest: ` +
      (["read", "analyze", "translate"] as const)
        .map(
          (step) =>
            `${step} ${slowest[step].toFixed(0)} ms (first try ${slowestFirst[step].toFixed(0)} ms)`,
        )
        .join(", "),
  );
  // Mutations that are all refused, or all accepted, would try little.
  if (accepted < trials / 20) return `only ${accepted} of ${trials} were accepted`;
  if (refused < trials / 20) return `only ${refused} of ${trials} were refused`;
  return findings.slice(0, 10).join("\n\n");
}
