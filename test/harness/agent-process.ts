/** A `heddle agent` of its own without proxies, which a test may kill and start again on the same state. */
import { spawn } from "node:child_process";
import path from "node:path";
import { ROOT } from "./demo-process.ts";
import { end, type PlaneProcess, until } from "./plane-process.ts";

export interface AgentProcess {
  output(): string;
  /** Resolves when the revision is the one in force. */
  follows(revision: number): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface AgentProcessOptions {
  readonly plane: PlaneProcess;
  /** A join token or the agent's own. */
  readonly token: string;
  readonly state: string;
  /** Where its ports are. */
  readonly host: string;
}

export function startAgentProcess(options: AgentProcessOptions): AgentProcess {
  const { plane, token, state, host } = options;
  const metrics = `${host}:15014`;
  const child = spawn(
    process.execPath,
    [
      path.join(ROOT, "apps/cli/src/main.ts"),
      ...["agent", "--plane", plane.url, "--mesh", "demo", "--name", "alone", "--state", state],
      ...["--xds", `${host}:15010`, "--metrics", metrics, "--roles", "control"],
    ],
    { env: { ...process.env, HEDDLE_TOKEN: token } },
  );
  let output = "";
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const revision = async () => {
    const response = await fetch(`http://${metrics}/metrics`).catch(() => undefined);
    const text = (await response?.text()) ?? "";
    return Number(/^heddle_agent_revision (\d+)/m.exec(text)?.[1]);
  };
  return {
    output: () => output,
    follows: (number) =>
      until(
        async () => (await revision()) === number,
        20_000,
        () => `revision ${number}\n${output}`,
      ),
    kill: () => end(child, "SIGKILL"),
  };
}
