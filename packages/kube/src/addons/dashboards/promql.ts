/** Parts of expressions. Rates reach over `$__rate_interval`, which Grafana makes from the panel's width and the scrape interval. */

const OVER = "[$__rate_interval]";

/** `{a="b",c=~"d"}` of what is not empty. */
const chosen = (...selectors: readonly string[]) =>
  `{${selectors.filter((each) => each !== "").join(",")}}`;
const by = (labels: string) => (labels === "" ? "" : ` by (${labels})`);

/** A second, summed up, for each of the labels. */
export function rate(metric: string, selector = "", labels = ""): string {
  return `sum${by(labels)} (rate(${metric}${chosen(selector)}${OVER}))`;
}

/** A share of that; where there is nothing at all there is no share. */
export function share(part: string, whole: string): string {
  return `${part} / ${whole}`;
}

/** None of it counts as 0, as long as there is something at all. */
export function orZero(part: string, whole: string): string {
  return `(${part} or ${whole} * 0)`;
}

/** Of a histogram of Istio's. */
export function quantile(of: number, metric: string, selector = "", labels = ""): string {
  const each = labels === "" ? "le" : `le, ${labels}`;
  return `histogram_quantile(${of}, ${rate(`${metric}_bucket`, selector, each)})`;
}

export const REQUESTS = "istio_requests_total";
export const DURATION = "istio_request_duration_milliseconds";
export const REQUEST_BYTES = "istio_request_bytes";
export const RESPONSE_BYTES = "istio_response_bytes";
export const TCP_SENT = "istio_tcp_sent_bytes_total";
export const TCP_RECEIVED = "istio_tcp_received_bytes_total";
export const TCP_OPENED = "istio_tcp_connections_opened_total";
export const TCP_CLOSED = "istio_tcp_connections_closed_total";

export const and = (...selectors: readonly string[]): string => selectors.join(",");
/** Each call is counted at both ends; here by whom it came to. */
export const AT_SERVER = 'reporter="destination"';
export const AT_CLIENT = 'reporter="source"';
const FAILED = 'response_code=~"5.."';

/** Of requests that were answered without a fault of the server's, 0 to 1. */
export function successRate(selector: string, labels = ""): string {
  const whole = rate(REQUESTS, selector, labels);
  return `1 - ${share(orZero(rate(REQUESTS, and(selector, FAILED), labels), whole), whole)}`;
}

/** Failed requests a second. */
export function failures(selector: string, labels = ""): string {
  return orZero(rate(REQUESTS, and(selector, FAILED), labels), rate(REQUESTS, selector, labels));
}

/** How long requests take, as the median and the slowest do. */
export function durations(selector: string): { expr: string; legend: string }[] {
  return [0.5, 0.95, 0.99].map((each) => ({
    expr: quantile(each, DURATION, selector),
    legend: `p${each * 100}`,
  }));
}

const BOTH = `__name__=~"${REQUESTS}|${TCP_OPENED}"`;

/** Values of labels under another name, of all series of Istio's where it stands on either side. */
export function valuesOf(name: string, ...sides: readonly (readonly [string, string])[]): string {
  const all = sides.map(
    ([label, selector]) =>
      `label_replace(${chosen(BOTH, selector)}, "${name}", "$1", "${label}", "(.+)")`,
  );
  return `count by (${name}) (${all.join(" or ")})`;
}
