/** How clients treat a host or one of its ports: what the schema of a DestinationRule cannot say. */
import type {
  ClientTLSSettings,
  ConnectionPoolSettings,
  LoadBalancerSettings,
  OutlierDetection,
  PortPolicy,
  TrafficPolicy,
} from "../kinds/destination-rule.ts";
import { checkLocality } from "./locality.ts";
import { checkPort } from "./match.ts";
import { domainError, isIpAddress } from "./names.ts";
import type { Report } from "./report.ts";

export function checkTrafficPolicy(policy: TrafficPolicy, path: string, report: Report): void {
  const { portLevelSettings, tunnel, proxyProtocol } = policy;
  if (Object.keys(policy).length === 0) return nothingSet(path, "a trafficPolicy", report);
  if (tunnel && proxyProtocol) {
    report({
      code: "HDL0022",
      path: `${path}.tunnel`,
      message: "a trafficPolicy cannot have both tunnel and proxyProtocol",
    });
  }
  checkPortPolicy(policy, path, report);
  if (tunnel) checkTunnel(tunnel, `${path}.tunnel`, report);
  const seen = new Set<number>();
  for (const [index, settings] of (portLevelSettings ?? []).entries()) {
    const at = `${path}.portLevelSettings[${index}]`;
    const number = settings.port?.number;
    if (number === undefined) {
      report({ code: "HDL0012", path: `${at}.port`, message: "port.number is required" });
    } else {
      checkPort(number, `${at}.port.number`, report);
      if (seen.has(number)) {
        report({ code: "HDL0029", path: `${at}.port`, message: `port ${number} is set twice` });
      }
      seen.add(number);
    }
    const { port: _, ...rest } = settings;
    if (Object.keys(rest).length === 0) nothingSet(at, "settings of a port", report);
    else checkPortPolicy(settings, at, report);
  }
}

const CONFIG_MAP = "configmap://";

/** A ConfigMap that a policy's TLS settings name is one of the policy's own namespace. */
export function checkCredentials(
  policy: TrafficPolicy,
  namespace: string,
  path: string,
  report: Report,
): void {
  const settings = [
    [policy.tls, path] as const,
    ...(policy.portLevelSettings ?? []).map(
      ({ tls }, index) => [tls, `${path}.portLevelSettings[${index}]`] as const,
    ),
  ];
  for (const [tls, at] of settings) {
    const name = tls?.credentialName ?? "";
    if (!name.startsWith(CONFIG_MAP)) continue;
    const [owner = "", map = ""] = name.slice(CONFIG_MAP.length).split("/");
    if (owner === namespace && map !== "") continue;
    report({
      code: "HDL0030",
      path: `${at}.tls.credentialName`,
      message:
        owner === "" || map === ""
          ? `credentialName "${name}" needs a namespace and a name`
          : `credentialName "${name}" is of another namespace than the rule`,
      remedy: `Write it like ${CONFIG_MAP}${namespace}/name.`,
    });
  }
}

function checkPortPolicy(policy: PortPolicy, path: string, report: Report): void {
  const { loadBalancer, connectionPool, outlierDetection, tls } = policy;
  if (loadBalancer) {
    checkLoadBalancer(loadBalancer, outlierDetection, `${path}.loadBalancer`, report);
  }
  if (connectionPool) checkConnectionPool(connectionPool, `${path}.connectionPool`, report);
  if (outlierDetection) checkOutliers(outlierDetection, `${path}.outlierDetection`, report);
  if (tls) checkClientTls(tls, `${path}.tls`, report);
}

function checkLoadBalancer(
  balancer: LoadBalancerSettings,
  outliers: OutlierDetection | undefined,
  path: string,
  report: Report,
): void {
  const { simple, consistentHash, localityLbSetting, zoneAwareLbSetting } = balancer;
  if (simple === "LEAST_CONN") deprecated(`${path}.simple`, "LEAST_CONN", "LEAST_REQUEST", report);
  if (balancer.warmupDurationSecs !== undefined) {
    deprecated(`${path}.warmupDurationSecs`, "warmupDurationSecs", "warmup.duration", report);
  }
  if (consistentHash) {
    const at = `${path}.consistentHash`;
    const { httpCookie, maglev, minimumRingSize } = consistentHash;
    if (httpCookie?.name === "") {
      report({ code: "HDL0012", path: `${at}.httpCookie.name`, message: "a cookie has no name" });
    }
    const names = new Set<string>();
    for (const [index, { name }] of (httpCookie?.attributes ?? []).entries()) {
      if (names.has(name)) {
        const here = `${at}.httpCookie.attributes[${index}].name`;
        report({ code: "HDL0029", path: here, message: `attribute ${name} stands twice` });
      }
      names.add(name);
    }
    if (maglev) checkTableSize(maglev.tableSize ?? 0, `${at}.maglev.tableSize`, report);
    if (minimumRingSize !== undefined) {
      const here = `${at}.minimumRingSize`;
      deprecated(here, "minimumRingSize", "ringHash.minimumRingSize", report);
    }
  }
  const locality = localityLbSetting ?? zoneAwareLbSetting;
  if (locality) {
    const field = localityLbSetting ? "localityLbSetting" : "zoneAwareLbSetting";
    checkLocality(locality, outliers !== undefined, `${path}.${field}`, report);
  }
}

/** Envoy's limit on Maglev's table. */
const MAX_TABLE_SIZE = 5_000_011;

function checkTableSize(size: number, path: string, report: Report): void {
  if (size < MAX_TABLE_SIZE && isPrime(size)) return;
  report({
    code: "HDL0014",
    path,
    message: `maglev's tableSize ${size} is not a prime number below ${MAX_TABLE_SIZE}`,
    remedy: "Give a prime, such as 65537.",
  });
}

/** Envoy takes 1 for a prime. */
function isPrime(number: number): boolean {
  if (number < 1) return false;
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return false;
  return true;
}

export function checkConnectionPool(
  pool: ConnectionPoolSettings,
  path: string,
  report: Report,
): void {
  if (!pool.tcp && !pool.http) return nothingSet(path, "a connectionPool", report);
  const http = pool.http;
  if (http?.h2UpgradePolicy === "UPGRADE" && http.useClientProtocol) {
    report({
      code: "HDL0022",
      path: `${path}.http.useClientProtocol`,
      message: "useClientProtocol and h2UpgradePolicy UPGRADE exclude each other",
    });
  }
  const alive = http?.http2KeepAlive;
  if (alive && (alive.interval === undefined || alive.timeout === undefined)) {
    report({
      code: "HDL0012",
      path: `${path}.http.http2KeepAlive`,
      message: "http2KeepAlive needs both interval and timeout",
    });
  }
}

function checkOutliers(outliers: OutlierDetection, path: string, report: Report): void {
  if (outliers.consecutiveErrors) {
    const instead = "consecutiveGatewayErrors or consecutive5xxErrors";
    deprecated(`${path}.consecutiveErrors`, "consecutiveErrors", instead, report);
  }
  if (outliers.consecutiveLocalOriginFailures && !outliers.splitExternalLocalOriginErrors) {
    report({
      code: "HDL0032",
      level: "Error",
      path: `${path}.consecutiveLocalOriginFailures`,
      message:
        "consecutiveLocalOriginFailures counts only where splitExternalLocalOriginErrors is true",
      remedy: "Set splitExternalLocalOriginErrors: true.",
    });
  }
}

function checkClientTls(tls: ClientTLSSettings, path: string, report: Report): void {
  const { mode = "DISABLE", credentialName, insecureSkipVerify } = tls;
  const exclude = (fields: readonly (keyof ClientTLSSettings)[], by: string) => {
    const present = fields.filter((field) => tls[field] !== undefined && tls[field] !== "");
    if (present.length === 0) return;
    report({
      code: "HDL0030",
      path: `${path}.${present[0]!}`,
      message: `${present.join(", ")} cannot stand beside ${by}`,
    });
  };
  const originates = mode === "SIMPLE" || mode === "MUTUAL";
  if (insecureSkipVerify && originates) {
    exclude(["caCertificates", "subjectAltNames"], "insecureSkipVerify");
    if (mode === "SIMPLE") exclude(["credentialName"], "insecureSkipVerify");
  }
  if (originates && credentialName) {
    exclude(["clientCertificate", "privateKey", "caCertificates", "caCrl"], "credentialName");
    return;
  }
  if (mode !== "MUTUAL") return;
  for (const field of ["clientCertificate", "privateKey"] as const) {
    if (tls[field]) continue;
    report({
      code: "HDL0030",
      path,
      message: `TLS mode MUTUAL needs ${field}`,
      remedy: "Give it, or credentialName; ISTIO_MUTUAL uses the mesh's own certificates.",
    });
  }
}

function checkTunnel(
  tunnel: NonNullable<TrafficPolicy["tunnel"]>,
  path: string,
  report: Report,
): void {
  const { protocol, targetHost, targetPort } = tunnel;
  if (protocol && protocol !== "CONNECT" && protocol !== "POST") {
    const at = `${path}.protocol`;
    report({
      code: "HDL0013",
      path: at,
      message: `protocol "${protocol}" is neither CONNECT nor POST`,
    });
  }
  const wrong = isIpAddress(targetHost) ? undefined : domainError(targetHost);
  if (wrong) report({ code: "HDL0020", path: `${path}.targetHost`, message: wrong });
  checkPort(targetPort, `${path}.targetPort`, report);
}

function nothingSet(path: string, what: string, report: Report): void {
  report({
    code: "HDL0023",
    path,
    message: `${what} sets nothing`,
    remedy: "Leave it out, or say what it should set.",
  });
}

function deprecated(path: string, field: string, instead: string, report: Report): void {
  report({
    code: "HDL0031",
    path,
    message: `${field} is deprecated`,
    remedy: `Use ${instead} instead.`,
  });
}
