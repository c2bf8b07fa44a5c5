/** Destinations and their weights. */
import type { Destination } from "../kinds/destination.ts";
import { checkPort } from "./match.ts";
import { hostError, isIpAddress, isRuleLabel } from "./names.ts";
import type { Report } from "./report.ts";

export function checkDestination(destination: Destination, path: string, report: Report): void {
  const { host, subset, port } = destination;
  const wrong =
    host === "*"
      ? "a destination cannot be *"
      : isIpAddress(host)
        ? `a destination cannot be the address ${host}: it is a host's name`
        : hostError(host);
  if (wrong) report({ code: "HDL0020", path: `${path}.host`, message: wrong });
  if (subset !== undefined && subset !== "" && !isRuleLabel(subset)) {
    const at = `${path}.subset`;
    report({ code: "HDL0017", path: at, message: `"${subset}" is not a subset's name` });
  }
  if (port !== undefined) checkPort(port.number ?? 0, `${path}.port.number`, report);
}

/**
 * Weights of one route. Negative ones are refused, and so is a sum of 0 over several destinations; another sum than 100 is
 * valid, as Istio has it, and only pointed out, since the weights are then no percentages.
 */
export function checkWeights(
  route: readonly { readonly weight?: number }[],
  path: string,
  report: Report,
): void {
  let sum = 0;
  for (const [index, { weight = 0 }] of route.entries()) {
    if (weight < 0) {
      report({
        code: "HDL0014",
        path: `${path}[${index}].weight`,
        message: `weight ${weight} is negative`,
        remedy: "Give 0 or more.",
      });
    }
    sum += weight;
  }
  if (route.length < 2 || route.some(({ weight = 0 }) => weight < 0)) return;
  if (sum === 0) {
    report({
      code: "HDL0024",
      path,
      message: `the weights of ${route.length} destinations sum to 0, so none would get a request`,
      remedy: "Give at least one of them a weight above 0.",
    });
  } else if (sum !== 100) {
    report({
      code: "HDL0025",
      path,
      message: `the weights sum to ${sum}, not to 100: they are taken as shares, ${shares(route, sum)}`,
      remedy: "Make them sum to 100 if percentages are meant.",
    });
  }
}

function shares(route: readonly { readonly weight?: number }[], sum: number): string {
  return route
    .map(({ weight = 0 }) => `${Number(((weight * 100) / sum).toFixed(1))} %`)
    .join(" / ");
}
