/** The folder of a machine, as files: what it starts, what it proves itself by, and what people read. */
import { XDS_FILES, xdsSecretFiles } from "@heddle/translate";
import { PROMETHEUS_PORT, HEALTH_PORT } from "../proxy-bootstrap.ts";
import { natTable } from "../nat-table.ts";
import { machineBootstrap } from "./bootstrap.ts";
import { MACHINE_IDENTITY, type MachineFilesOptions } from "./machine.ts";
import { hostsNote, readme, UNIT } from "./readme.ts";
import { CAPTURE, START, unit } from "./scripts.ts";

export interface MachineFile {
  /** In the folder, with `/` between parts. */
  readonly name: string;
  readonly text: string;
  /** As `chmod` has it. */
  readonly mode: number;
}

const READABLE = 0o644;
const RUNS = 0o755;
const SECRET = 0o600;

export function machineFiles(options: MachineFilesOptions): readonly MachineFile[] {
  const { traffic, place, token, roots } = options;
  const captures = "capture" in traffic;
  const file = (name: string, text: string, mode = READABLE): MachineFile => ({ name, text, mode });
  return [
    file("README.md", readme(options)),
    file("envoy.json", `${JSON.stringify(machineBootstrap(options), null, 2)}\n`),
    ...identityFiles(token, roots),
    ...Object.entries(xdsSecretFiles(MACHINE_IDENTITY)).map(([name, text]) =>
      file(`${MACHINE_IDENTITY}/${name}`, text),
    ),
    file("start.sh", START, RUNS),
    file(UNIT, unit(place, captures)),
    file("hosts", hostsNote(options)),
    ...(captures
      ? [
          file("capture.sh", CAPTURE, RUNS),
          ...(["v4", "v6"] as const).map((family) =>
            file(
              `capture/nat-${family}`,
              natTable(
                {
                  capture: traffic.capture,
                  ownPorts: [PROMETHEUS_PORT, HEALTH_PORT],
                  dns: false,
                },
                family,
              ),
            ),
          ),
        ]
      : []),
  ];
}

/** What changes in the life of a machine: its token, and the roots by which the agent is known. */
export function identityFiles(token: string, roots: string): readonly MachineFile[] {
  return [
    { name: `${MACHINE_IDENTITY}/${XDS_FILES.roots}`, text: roots, mode: READABLE },
    { name: `${MACHINE_IDENTITY}/${XDS_FILES.token}`, text: token, mode: SECRET },
  ];
}
