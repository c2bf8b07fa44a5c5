/** What a test cluster is made of, in the versions that tests count on. */

/** The last minor version that runs on machines with cgroup v1. */
export const KUBERNETES_VERSION = "1.34.4";
/** What follows the `-` is of our own list of its plugins (coredns/main.go): raise it with each change. */
export const COREDNS_BUILD = "1.15.0-1";
/** Of our own source beside this folder: raise it with each change. */
export const PAUSE_VERSION = "1";
/** What people install the chart with. */
export const HELM_VERSION = "3.22.0";
/** As `heddle addons` installs it; its module says 0.313 for 3.13. Debian's cannot look for pods. */
export const PROMETHEUS_VERSION = "3.13.3";
/** What shifts traffic by rules of ours, and what syncs rules from Git. Later ones need a newer Go, or modules that are not to be had everywhere. */
export const FLAGGER_VERSION = "1.36.1";
export const FLUX_SOURCE_VERSION = "1.9.0";
export const FLUX_KUSTOMIZE_VERSION = "1.9.0";
/** Has no releases as a module; this one is of August 2026, before 1.31. */
export const ISTIO_VERSION = "v0.0.0-20260827124520-eed52ebb66ad";
