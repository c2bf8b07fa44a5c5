/** `heddle server`: the hosted plane alone. */
import type { RunningPlane } from "@heddle/api/node";
import { Command, InvalidArgumentError } from "commander";
import { parsePort } from "./options.ts";
import { untilAborted, untilSignal } from "./until-signal.ts";

interface ServerOptions {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly console?: string;
  readonly mesh?: string;
  readonly trustDomain: string;
  readonly traceSampling: number;
  readonly keysSecret?: string;
  readonly joinSecret?: { readonly name: string; readonly key: string };
}

export function serverCommand(): Command {
  return new Command("server")
    .description("run the hosted plane alone, on an embedded database or DATABASE_URL")
    .option("--port <port>", "where to listen", parsePort, 8700)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--data <dir>", "where an embedded database and telemetry are kept", ".heddle")
    .option("--console <dir>", "the console's built files; without it they are built here")
    .option("--mesh <name>", "a mesh to make where there is none of that name")
    .option("--trust-domain <domain>", "of a mesh that is made", "cluster.local")
    .option("--trace-sampling <percent>", "of a mesh that is made", parsePercent, 1)
    .option("--keys-secret <name>", "in a pod: the Secret in which the plane keeps its keys")
    .option(
      "--join-secret <name/key>",
      "in a pod, with --mesh: the Secret in which agents find a token to join with",
      parseSecretKey,
    )
    .action(serve);
}

async function serve(options: ServerOptions): Promise<void> {
  const [{ startPlane }, { planeDirectories }] = await Promise.all([
    import("@heddle/api/node"),
    import("../local/data-directory.ts"),
  ]);
  const stopping = new AbortController();
  void untilSignal().then(() => stopping.abort());
  const directories = planeDirectories(options.data);
  const keys = await keysOf(options, directories.dataDir);
  const consoleDir = options.console ?? (await builtConsole());
  const databaseUrl = process.env["DATABASE_URL"];
  const plane = await startPlane({
    ...{ port: options.port, host: options.host },
    ...directories,
    ...(databaseUrl ? { databaseUrl } : {}),
    ...(consoleDir ? { consoleDir } : {}),
    ...(keys ? { environment: { ...process.env, HEDDLE_ENVELOPE_KEY: keys.envelopeKey } } : {}),
  });
  try {
    await keys?.keepToken(plane.adminTokenFile);
    await prepareMesh(options, plane, stopping.signal);
    process.stdout.write(`plane    ${plane.url}\ntoken    in ${plane.adminTokenFile}\nready\n`);
    await untilAborted(stopping.signal);
  } finally {
    await plane.close();
  }
  process.exit(0);
}

async function builtConsole(): Promise<string | undefined> {
  const { ensureConsole } = await import("../local/console-build.ts");
  return ensureConsole(say);
}

/** Undefined where they are in the data directory, as elsewhere than in a pod. */
async function keysOf({ keysSecret }: ServerOptions, dataDir: string) {
  if (keysSecret === undefined) return undefined;
  const [{ bringKeys, keepToken }, { openSecrets }] = await Promise.all([
    import("../plane-pod/keys.ts"),
    import("../plane-pod/open.ts"),
  ]);
  const secret = (await openSecrets(process.env))(keysSecret);
  const { HEDDLE_ENVELOPE_KEY: given, HEDDLE_KMS_KEY: kms, HEDDLE_KMS_MODE: mode } = process.env;
  return {
    envelopeKey: await bringKeys(secret, dataDir, {
      given: given || undefined,
      // A key service seals; what an envelope key has sealed before is still opened with it.
      makes: !kms || mode === "open",
    }),
    keepToken: (file: string) => keepToken(secret, file),
  };
}

/** Makes the mesh that was asked for, and lets agents join it. */
async function prepareMesh(
  { mesh, trustDomain, traceSampling, joinSecret }: ServerOptions,
  plane: RunningPlane,
  signal: AbortSignal,
): Promise<void> {
  if (mesh === undefined) return;
  const { ensureMesh } = await import("../local/first-mesh.ts");
  const { url, adminToken: token } = plane;
  await ensureMesh({ url, token, mesh, trustDomain, traceSampling });
  if (joinSecret === undefined) return;
  const [{ createClient }, { keepJoinToken }, { openSecrets }] = await Promise.all([
    import("@heddle/client"),
    import("../plane-pod/joining.ts"),
    import("../plane-pod/open.ts"),
  ]);
  const secret = (await openSecrets(process.env))(joinSecret.name);
  const client = createClient({ baseUrl: url, token });
  const canJoin = (joinToken: string, at: number) => plane.canJoin(joinToken, at);
  await keepJoinToken({ client, canJoin, mesh, secret, key: joinSecret.key, warn: say }, signal);
}

function say(line: string): void {
  process.stderr.write(`heddle: ${line}\n`);
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (!(percent >= 0 && percent <= 100))
    throw new InvalidArgumentError("A share is a number from 0 to 100.");
  return percent;
}

function parseSecretKey(text: string): { name: string; key: string } {
  const [, name, key] = /^([a-z0-9.-]+)\/([\w.-]+)$/.exec(text) ?? [];
  if (name === undefined || key === undefined)
    throw new InvalidArgumentError(
      "Name the Secret and the key in it, such as heddle-agent-token/token.",
    );
  return { name, key };
}
