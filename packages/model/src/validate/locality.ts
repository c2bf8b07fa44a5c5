/** Load balancing by region, zone and subzone. */
import type { LocalityLoadBalancer, ZoneAwareLoadBalancer } from "../kinds/destination-rule.ts";
import type { Report } from "./report.ts";

const TOPOLOGY: ReadonlySet<string> = new Set([
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
  "topology.istio.io/subzone",
]);

export function checkLocality(
  setting: LocalityLoadBalancer & ZoneAwareLoadBalancer,
  detectsOutliers: boolean,
  path: string,
  report: Report,
): void {
  const { distribute = [], failover = [], failoverPriority = [] } = setting;
  const zoneAware = path.endsWith("zoneAwareLbSetting");
  const wrong = (at: string, message: string, remedy?: string) =>
    report({ code: "HDL0034", path: at, message, ...(remedy === undefined ? {} : { remedy }) });

  if (distribute.length > 0 && failover.length > 0) {
    wrong(path, "distribute and failover exclude each other", "Keep one of them.");
  }
  const topology = failoverPriority.find((label) => TOPOLOGY.has(label));
  if (topology !== undefined && (zoneAware || failover.length > 0)) {
    wrong(
      `${path}.failoverPriority`,
      `failoverPriority cannot have ${topology} ${zoneAware ? "here" : "beside failover"}`,
    );
  }
  if ((failover.length > 0 || failoverPriority.length > 0) && !detectsOutliers) {
    report({
      code: "HDL0032",
      path,
      message: "failover has no effect without outlierDetection in the same policy",
      remedy: "Add outlierDetection beside loadBalancer.",
    });
  }
  for (const [index, { from = "", to = {} }] of distribute.entries()) {
    const at = `${path}.distribute[${index}]`;
    const weights = Object.values(to);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (weights.some((weight) => weight < 1 || weight > 100)) {
      wrong(`${at}.to`, "a locality's weight is not in the range 1 to 100");
    } else if (sum !== 100) {
      wrong(`${at}.to`, `the weights of localities sum to ${sum}, not to 100`);
    }
    checkPatterns(Object.keys(to), `${at}.to`, report);
    if (from === "") wrong(`${at}.from`, "a locality is empty");
  }
  checkPatterns(
    distribute.map(({ from = "" }) => from).filter((from) => from !== ""),
    `${path}.distribute`,
    report,
  );
  for (const [index, { from = "", to = "" }] of failover.entries()) {
    const at = `${path}.failover[${index}]`;
    if (from === to) wrong(at, `failover leads from ${from || "nowhere"} to itself`);
    if (/[/*]/.test(from + to)) {
      wrong(at, "failover is between regions: no zones and no wildcards", "Name regions alone.");
    }
  }
}

/** Localities as `region`, `region/zone` or `region/zone/subzone`, the last part perhaps `*`; none may cover another. */
function checkPatterns(localities: readonly string[], path: string, report: Report): void {
  for (const [index, locality] of localities.entries()) {
    const stars = locality.split("*").length - 1;
    const parts = splitLocality(locality);
    if (stars > 1 || (stars === 1 && !locality.endsWith("*")) || parts.includes("")) {
      report({ code: "HDL0034", path, message: `"${locality}" is not a locality` });
      continue;
    }
    const twin = localities.slice(0, index).find((other) => overlaps(splitLocality(other), parts));
    if (twin !== undefined) {
      const message = `localities ${twin} and ${locality} overlap`;
      report({ code: "HDL0034", path, message });
    }
  }
}

function splitLocality(locality: string): string[] {
  return locality.split("/").slice(0, 3);
}

function overlaps(a: readonly string[], b: readonly string[]): boolean {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] === "*" || b[i] === "*") return true;
    if (a[i] !== b[i]) return false;
  }
  return true;
}
