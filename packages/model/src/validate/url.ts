/** Absolute URLs as Go's `url.ParseRequestURI` takes them, which Kubernetes and Istio check with. */

const CONTROL = /[\u0000-\u0020\u007F]/; // eslint-disable-line no-control-regex -- control characters are what is looked for
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/;
// What stands in a host as it is; all else below U+0080 is refused, and escapes are for other bytes only.
const HOST = /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:<>"]|[^\u0000-\u007F]|%[89A-Fa-f][0-9A-Fa-f])*$/; // eslint-disable-line no-control-regex -- the end of ASCII
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;

/** The scheme in lower case, empty for a path alone; undefined where the text is no URL. */
export function urlScheme(text: string): string | undefined {
  if (text === "" || CONTROL.test(text) || text.startsWith(":")) return undefined;
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase() ?? "";
  const rest = scheme === "" ? text : text.slice(scheme.length + 1);
  if (scheme === "" && !rest.startsWith("/")) return undefined;
  const [address, ...fragment] = rest.split("#");
  if (BAD_ESCAPE.test(fragment.join("#"))) return undefined;
  const [path = ""] = address!.split("?");
  if (scheme === "" || !path.startsWith("//")) {
    return path.startsWith("/") && BAD_ESCAPE.test(path) ? undefined : scheme;
  }
  const slash = path.indexOf("/", 2);
  const authority = slash < 0 ? path.slice(2) : path.slice(2, slash);
  if (slash >= 0 && BAD_ESCAPE.test(path.slice(slash))) return undefined;
  return isAuthority(authority) ? scheme : undefined;
}

function isAuthority(authority: string): boolean {
  const at = authority.lastIndexOf("@");
  const user = at < 0 ? "" : authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user) || BAD_ESCAPE.test(user)) return false;
  const host = authority.slice(at + 1);
  if (host.startsWith("[")) return /^\[[0-9A-Fa-f:.]+(?:%25[^\]]+)?\](?::\d*)?$/.test(host);
  const colon = host.lastIndexOf(":");
  if (colon >= 0 && !/^\d*$/.test(host.slice(colon + 1))) return false;
  return HOST.test(host);
}
