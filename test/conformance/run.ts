/** One run of the suite, as a process whose words come as events: those of test2json. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Run } from "./features.ts";
import type { Suite } from "./suite.ts";
import { GATEWAY_CLASS, type Surroundings } from "./surroundings.ts";

export interface TestResult {
  readonly name: string;
  /** `skip`: for what is not claimed, or not asked for. */
  readonly verdict: "pass" | "fail" | "skip";
  readonly seconds: number;
  /** What it and its parts said, line by line. */
  readonly said: string;
}

export interface RunOptions {
  readonly suite: Suite;
  readonly run: Run;
  /** Where the suite's own report goes. */
  readonly report: string;
  /** One test alone. */
  readonly only?: string;
}

interface TestEvent {
  readonly Action: "run" | "pause" | "cont" | "output" | "pass" | "fail" | "skip" | "start";
  readonly Test?: string;
  /** ISO 8601. */
  readonly Time?: string;
  readonly Output?: string;
}

const TEST = /^TestConformance\/([^/]+)/;

/** Results as they come; throws where the suite itself did not come to an end. */
export async function* runSuite(
  { kubeconfig, network }: Surroundings,
  { suite, run, report, only }: RunOptions,
): AsyncGenerator<TestResult> {
  const pool = network.loadBalancers.replace(/\.0\/24$/, "");
  const child = spawn(
    suite.test2json,
    [
      ...["-t", suite.tests, "-test.v=test2json", "-test.timeout=120m"],
      ...[`-gateway-class=${GATEWAY_CLASS}`, `-conformance-profiles=${run.profiles.join()}`],
      `-supported-features=${run.features.join()}`,
      // One that the harness has, and one of nobody's (RFC 5737).
      ...[`-usable-address=${pool}.200`, "-unusable-address=192.0.2.7"],
      ...["-organization=heddle", "-project=heddle", "-url=https://heddle.dev"],
      ...["-version=v0.1.0", "-contact=https://heddle.dev", `-report-output=${report}`],
      ...(only === undefined ? [] : [`-run-test=${only}`]),
    ],
    { env: { ...process.env, KUBECONFIG: kubeconfig }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
  const said = new Map<string, string>();
  const began = new Map<string, number>();
  let outside = "";
  let failed = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const { Action, Test = "", Time = "", Output = "" } = JSON.parse(line) as TestEvent;
    const name = TEST.exec(Test)?.[1];
    if (name === undefined) {
      outside += Output;
      continue;
    }
    if (Action === "output") said.set(name, (said.get(name) ?? "") + Output);
    // Parts of a test have results of their own, which its own is made of.
    else if (Test === `TestConformance/${name}` && !isVerdict(Action))
      began.set(name, Date.parse(Time));
    else if (Test === `TestConformance/${name}` && isVerdict(Action)) {
      failed ||= Action === "fail";
      const seconds = (Date.parse(Time) - (began.get(name) ?? 0)) / 1000;
      yield { name, verdict: Action, seconds, said: said.get(name) ?? "" };
      said.delete(name);
    }
  }
  const code = await ended;
  if (code !== 0 && !failed) throw new Error(`the suite ended with ${code}:\n${outside}`);
}

function isVerdict(action: string): action is TestResult["verdict"] {
  return action === "pass" || action === "fail" || action === "skip";
}
