/** The bootstrap of a machine's proxy: that of an injected one, with all that a machine knows beforehand in it. */
import type { Bootstrap } from "@heddle/envoy/config/bootstrap/v3";
import { REGISTER_GROUP } from "@heddle/model";
import { bootstrapOf } from "../proxy-bootstrap.ts";
import { MACHINE_IDENTITY, type MachineFilesOptions } from "./machine.ts";

const LOOPBACK = "127.0.0.1";

/** Paths in it are of the folder that Envoy is started in. */
export function machineBootstrap(options: MachineFilesOptions): Bootstrap {
  const { namespace, group, name, address, serviceAccount, labels, agent, clusterId } = options;
  const { adminPort, clusterDomain, traffic } = options;
  const told: Record<string, string> =
    "capture" in traffic
      ? {}
      : {
          APP_ADDRESS: traffic.appAddress,
          HTTP_PROXY_PORT: String(traffic.proxyPort),
          HTTP_PROXY_ADDRESS: LOOPBACK,
        };
  return bootstrapOf(
    {
      type: "sidecar",
      labels,
      workload: group,
      interception: "capture" in traffic ? "REDIRECT" : "NONE",
      variables: {},
      adminPort,
      clusterDomain,
    },
    {
      ...{ name, namespace, serviceAccount, ip: address, ips: address },
      metadata: { [REGISTER_GROUP]: group, ...told },
      folder: MACHINE_IDENTITY,
    },
    agent,
    clusterId,
    // Its group may get a probe later.
    true,
  );
}
