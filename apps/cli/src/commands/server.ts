/** `heddle server`: the hosted plane alone. */
import { Command } from "commander";
import { parsePort } from "./options.ts";
import { untilSignal } from "./until-signal.ts";

export function serverCommand(): Command {
  return new Command("server")
    .description("run the hosted plane alone, on an embedded database or DATABASE_URL")
    .option("--port <port>", "where to listen", parsePort, 8700)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--data <dir>", "where an embedded database and telemetry are kept", ".heddle")
    .action(async (options: { port: number; host: string; data: string }) => {
      const [{ startPlane }, { ensureConsole }, { planeDirectories }] = await Promise.all([
        import("@heddle/api/node"),
        import("../local/console-build.ts"),
        import("../local/data-directory.ts"),
      ]);
      const consoleDir = await ensureConsole((line) => process.stderr.write(`heddle: ${line}\n`));
      const databaseUrl = process.env["DATABASE_URL"];
      const plane = await startPlane({
        port: options.port,
        host: options.host,
        ...planeDirectories(options.data),
        ...(databaseUrl ? { databaseUrl } : {}),
        ...(consoleDir ? { consoleDir } : {}),
      });
      process.stdout.write(`plane    ${plane.url}\ntoken    in ${plane.adminTokenFile}\nready\n`);
      await untilSignal();
      await plane.close();
      process.exit(0);
    });
}
