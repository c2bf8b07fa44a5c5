/** The virtual host of a host that no service has: its rules alone say where requests go. */
import type { VirtualHost } from "@heddle/envoy/config/route/v3";
import { rulesForHost } from "../form/rules.ts";
import { type ClientView, derivation, type ModelReader } from "../read.ts";
import { bracketed, type DomainForm, isBare } from "./domains.ts";
import { sharedView } from "./shared-view.ts";
import { hostRoutes } from "./virtual-host.ts";

interface UnservedKey {
  /** As narrow as `sharedView` makes it. */
  readonly view: ClientView;
  readonly host: string;
  readonly port: number;
  readonly form: DomainForm;
}

/** Shared with all views that see the same; undefined where no rule for requests decides for the client. */
export function unservedVirtualHost(
  read: ModelReader,
  view: ClientView,
  host: string,
  port: number,
  form: DomainForm,
): VirtualHost | undefined {
  return read.get(sharedUnserved, { view: sharedView(read, view, host), host, port, form });
}

const sharedUnserved = derivation<UnservedKey, VirtualHost | undefined>(
  "route/unserved-host",
  ({ view, host, port, form }) => `${view.key}|${host}|${port}|${form}`,
  (read, { view, host, port, form }) => {
    const rules = rulesForHost(read, host, view.namespace);
    if (rules === undefined || rules.http.length === 0) return undefined;
    const routes = read.get(hostRoutes, { ruled: true, plain: false, view, host, port });
    return {
      name: `${host}:${port}`,
      domains: unservedDomains(host, port, form),
      routes,
      includeRequestAttemptCount: true,
    };
  },
);

/** There are no shorter forms of such a host: nobody's DNS would know them. */
export function unservedDomains(host: string, port: number, form: DomainForm): readonly string[] {
  const name = bracketed(host);
  return isBare(port, form) ? [name, `${name}:${port}`] : [`${name}:${port}`];
}
