/** Our agent without a plane, as its image runs it: the bundle, with Node's flags and the environment of its Containerfile. */
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { freePorts } from "../../../agent/src/testing/free-ports.ts";
import { AGENT_MAIN } from "../../../infra/images/agent/bundle.ts";
import { settingsOf } from "../../cluster/harness/own-images.ts";
import type { StartedProgram } from "./control-plane.ts";

export interface AgentStart {
  /** Of `bundleAgent`. */
  readonly bundle: string;
  /** For its state and log. */
  readonly folder: string;
  /** Where it has its objects from: `--kubeconfig FILE`, or `--config FOLDER`. */
  readonly source: readonly string[];
  /** Of Node, besides the image's. */
  readonly nodeFlags?: readonly string[];
}

/** Control and telemetry are processes of their own, and both are ours to answer for. */
export async function startAgent({
  bundle,
  folder,
  source,
  nodeFlags = [],
}: AgentStart): Promise<StartedProgram> {
  await mkdir(folder, { recursive: true });
  const [xds = 0, metrics = 0, otlp = 0] = await freePorts(3);
  const { flags, env } = await settingsOf("agent");
  const log = path.join(folder, "agent.log");
  const output = openSync(log, "w");
  const local = (port: number) => `127.0.0.1:${port}`;
  const child = spawn(
    process.execPath,
    [
      ...[
        ...flags,
        ...nodeFlags,
        path.join(bundle, AGENT_MAIN),
        "agent",
        "--standalone",
        ...source,
      ],
      ...["--state", path.join(folder, "state"), "--xds", local(xds)],
      ...["--metrics", local(metrics), "--otlp", local(otlp)],
    ],
    {
      cwd: folder,
      stdio: ["ignore", output, output],
      env: {
        PATH: process.env["PATH"],
        ...Object.fromEntries(env.map((each) => each.split(/=(.*)/s).slice(0, 2))),
      },
    },
  );
  const readyUrl = `http://${local(metrics)}/readyz`;
  return { name: "heddle", child, address: local(xds), readyUrl, log };
}
