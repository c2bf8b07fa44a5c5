/** Names of objects, labels, hosts and addresses: what may be one, by RFC 1123, RFC 1035 and Kubernetes. */

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const HOST_LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const FIRST_HOST_LABEL = /^(?:\*|(?:\*-?)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;
const LABEL_KEY_NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
// No leading zeros, which some readers take for octal.
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^(?=.*:)[0-9A-Fa-f:.]+$/;

/** A DNS label of RFC 1123: lower-case letters, digits and `-`, at most 63. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && LABEL.test(text);
}

/** A DNS label in either case, as Istio takes it for subsets, ports and namespaces in rules. */
export function isRuleLabel(text: string): boolean {
  return text.length <= 63 && HOST_LABEL.test(text);
}

/** A DNS label of RFC 1035, which begins with a letter: what a Service is named by. */
export function isServiceName(text: string): boolean {
  return isDnsLabel(text) && /^[a-z]/.test(text);
}

/** A DNS name of RFC 1123: labels joined by dots, at most 253 characters. */
export function isDnsName(text: string): boolean {
  return text.length <= 253 && text.split(".").every((label) => LABEL.test(label));
}

/** What is wrong with a host of a rule, which may begin with a wildcard; undefined when nothing is. */
export function hostError(host: string): string | undefined {
  const length = lengthError(host);
  if (length) return length;
  const dot = host.indexOf(".");
  const first = dot < 0 ? host : host.slice(0, dot);
  if (first.length > 63 || !FIRST_HOST_LABEL.test(first)) return badLabel(host, first);
  return dot < 0 ? undefined : labelsError(host, host.slice(dot + 1));
}

/** What is wrong with a plain DNS name; undefined when nothing is. */
export function domainError(domain: string): string | undefined {
  return lengthError(domain) ?? labelsError(domain, domain);
}

/** A label's key: a name, perhaps with a DNS prefix before a slash. */
export function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  const name = key.slice(slash + 1);
  if (slash >= 0 && !isDnsName(key.slice(0, slash))) return false;
  return name.length <= 63 && LABEL_KEY_NAME.test(name);
}

export function isLabelValue(value: string): boolean {
  return value === "" || (value.length <= 63 && LABEL_KEY_NAME.test(value));
}

export function isIpAddress(text: string): boolean {
  return IPV4.test(text) || (IPV6.test(text) && URL.canParse(`http://[${text}]/`));
}

/** `10.0.0.0/8`, or an address alone. */
export function isSubnet(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash < 0) return isIpAddress(text);
  const address = text.slice(0, slash);
  const bits = text.slice(slash + 1);
  return (
    isIpAddress(address) &&
    /^(?:0|[1-9]\d{0,2})$/.test(bits) &&
    Number(bits) <= (IPV4.test(address) ? 32 : 128)
  );
}

function lengthError(name: string): string | undefined {
  if (name === "") return "a host name is empty";
  if (name.length > 255) return `"${name.slice(0, 60)}…" is too long for a host name (255 at most)`;
  return undefined;
}

function labelsError(name: string, rest: string): string | undefined {
  const labels = rest.split(".");
  const last = labels.at(-1)!;
  if (/^\d+$/.test(last)) return `"${name}" is no host name: "${last}" is all digits`;
  // A closing dot is allowed, as in `istio.io.`
  if (last === "" && labels.length > 1) labels.pop();
  const bad = labels.find((label) => label.length > 63 || !HOST_LABEL.test(label));
  return bad === undefined ? undefined : badLabel(name, bad);
}

function badLabel(name: string, label: string): string {
  return `"${name}" is no host name: "${label}" is not a DNS label`;
}
