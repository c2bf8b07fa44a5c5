/** Images that the cluster itself and many tests run. No registry has them: they are made here and given to containerd. */
import { ENVOY_VERSION } from "../../../apps/cli/src/envoy/version.ts";
import { COREDNS_BUILD, PAUSE_VERSION } from "./versions.ts";

export const PAUSE_IMAGE = `heddle.test/pause:${PAUSE_VERSION}`;
export const COREDNS_IMAGE = `heddle.test/coredns:${COREDNS_BUILD}`;
/** Under the name that everybody else runs it by. */
export const ENVOY_IMAGE = `docker.io/envoyproxy/envoy:v${ENVOY_VERSION}`;
/** Ours, under the names that an installation gives them where nobody names others. */
export const AGENT_IMAGE = "docker.io/heddle/agent:v0.1.0";
export const PLANE_IMAGE = "docker.io/heddle/plane:v0.1.0";
export const CAPTURE_IMAGE = "docker.io/heddle/capture:v0.1.0";
export const BOOKINFO_IMAGE = "docker.io/heddle/example-bookinfo:0.1.0";
