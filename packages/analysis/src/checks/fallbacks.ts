/** IST0101, HDL0144, HDL0145: Fallbacks whose service is missing or another namespace's, and several for the same requests. */
import type { Fallback } from "@heddle/model";
import { resolveHost } from "@heddle/model";
import { diagnostic, missing, namesOf } from "../check.ts";
import type { Check } from "../check.ts";

/** One host's requests are one Fallback's. */
export const checkFallbackConflicts: Check<Fallback> = function* (entry, context) {
  const { metadata, spec } = entry.object;
  const { index, force } = context;
  const host = resolveHost(spec.host, metadata.namespace, index.clusterDomain);
  const others = index.fallbacks(host).filter(({ key, object }) => {
    const { routes = [], subset = "" } = object.spec;
    const own = spec.routes ?? [];
    const sameRoutes =
      own.length === 0 ? routes.length === 0 : own.some((route) => routes.includes(route));
    return (
      key !== entry.key &&
      object.metadata.namespace === metadata.namespace &&
      subset === (spec.subset ?? "") &&
      sameRoutes
    );
  });
  if (others.length === 0) return;
  yield diagnostic(entry, {
    code: "HDL0144",
    level: force ? "Warning" : "Error",
    path: "spec.host",
    message: `The Fallbacks ${namesOf([entry, ...others])} are for the same requests to ${host}: only the oldest counts.`,
  });
};

export const checkFallbacks: Check<Fallback> = function* (entry, context) {
  const { metadata, spec } = entry.object;
  const { index, rootNamespace } = context;
  if (!index.hasServices()) return;
  const known = (host: string) =>
    index.services(resolveHost(host, metadata.namespace, index.clusterDomain));
  const services = known(spec.host);
  if (services.length === 0) {
    yield missing(entry, context, { what: "host", name: spec.host, path: "spec.host" });
  } else if (
    metadata.namespace !== rootNamespace &&
    !services.some(({ namespace }) => namespace === metadata.namespace)
  ) {
    yield diagnostic(entry, {
      code: "HDL0145",
      path: "metadata.namespace",
      message: `The service ${spec.host} is not of namespace ${metadata.namespace}, so the Fallback has no effect.`,
    });
  }
  const { destination } = spec;
  if (destination && known(destination.host).length === 0) {
    const path = "spec.destination.host";
    yield missing(entry, context, { what: "host", name: destination.host, path });
  }
};
