/** istiod, built from its module and kept in the cache as other parts are: the peer that we are measured against. */
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { freePorts } from "../../../agent/src/testing/free-ports.ts";
import { isCached } from "../../cluster/harness/cached.ts";
import { built, type Say } from "../../cluster/harness/components.ts";
import { buildGo } from "../../cluster/harness/go-build.ts";
import { ISTIO_VERSION } from "../../cluster/harness/versions.ts";
import { type ControlPlane, controlPlane } from "./control-plane.ts";

const NAME = "istiod";
const MODULE = "istio.io/istio";
const PROGRAM = "pilot-discovery";
/** Where it keeps its own objects. */
export const ISTIO_NAMESPACE = "istio-system";

/** As an installation has it that nobody chose anything for: proxies count requests, as ours do. */
const MESH_CONFIG = `rootNamespace: ${ISTIO_NAMESPACE}
enablePrometheusMerge: true
defaultProviders:
  metrics: [prometheus]
`;

/** Whether it can be started without being built. */
export const isIstiodBuilt = () => isCached(NAME, ISTIO_VERSION);

/** The program; about five minutes of two cores where the cache has none. */
export async function buildIstiod(say: Say): Promise<string> {
  const programs = [`${MODULE}/pilot/cmd/${PROGRAM}`];
  const folder = await built(NAME, ISTIO_VERSION, say, (into) =>
    buildGo({ module: MODULE, version: ISTIO_VERSION, programs }, into),
  );
  return path.join(folder, PROGRAM);
}

/**
 * With its defaults, but for the limit of requests a second that it sets itself. `folder` is for its log. Its own namespace
 * must be there.
 */
export async function startIstiod(
  kubeconfig: string,
  folder: string,
  say: Say,
): Promise<ControlPlane> {
  const program = await buildIstiod(say);
  await mkdir(folder, { recursive: true });
  const [grpc = 0, secure = 0, http = 0, https = 0, monitoring = 0] = await freePorts(5);
  const meshConfig = path.join(folder, "mesh.yaml");
  await writeFile(meshConfig, MESH_CONFIG);
  const local = (port: number) => `127.0.0.1:${port}`;
  const log = path.join(folder, "istiod.log");
  const output = openSync(log, "w");
  const child = spawn(
    program,
    [
      ...["discovery", "--kubeconfig", kubeconfig, "--meshConfig", meshConfig],
      ...["--grpcAddr", local(grpc), "--secureGRPCAddr", local(secure)],
      ...["--httpAddr", local(http), "--httpsAddr", local(https)],
      ...["--monitoringAddr", local(monitoring)],
    ],
    {
      cwd: folder,
      stdio: ["ignore", output, output],
      env: {
        ...process.env,
        EXTERNAL_ISTIOD: "true",
        POD_NAMESPACE: ISTIO_NAMESPACE,
        PILOT_MAX_REQUESTS_PER_SECOND: "10000",
      },
    },
  );
  const readyUrl = `http://${local(http)}/ready`;
  return controlPlane({ name: NAME, child, address: local(grpc), readyUrl, log });
}
