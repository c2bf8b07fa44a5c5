/** A row's course over the range: 96 by 24, no axes, gaps where nothing was seen. */
import { linePath } from "./line-path.ts";

const WIDTH = 96;
const HEIGHT = 24;

interface SparklineProps {
  values: readonly (number | null)[];
  label: string;
  /** Drawn in the failure's colour. */
  tone?: "plain" | "bad";
}

export function Sparkline({ values, label, tone = "plain" }: SparklineProps) {
  const { line, area } = linePath(values, WIDTH, HEIGHT);
  return (
    <svg
      className={`sparkline sparkline--${tone}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      <path className="sparkline__area" d={area} />
      <path className="sparkline__line" d={line} />
    </svg>
  );
}
