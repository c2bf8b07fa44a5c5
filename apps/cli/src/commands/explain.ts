/** `heddle explain`: why a request was refused, or whether one would be, by which policy, and what it lacks. */
import type { LogLine } from "@heddle/client";
import { Command } from "commander";
import type { Answering } from "../explain/answers.ts";
import type { QuestionOptions } from "../explain/question.ts";
import type { Explained } from "../explain/show.ts";
import { CliError } from "../output/cli-error.ts";
import { formatFindings } from "../output/diagnostics.ts";
import { printJson } from "../output/print.ts";
import { readInput } from "./input.ts";
import { meshConfigIn } from "./mesh-config-file.ts";
import {
  collect,
  parseCount,
  parseSeconds,
  type PlaneOptions,
  withOutput,
  withPlane,
} from "./options.ts";
import { openPlane } from "./plane.ts";

interface ExplainOptions extends PlaneOptions, QuestionOptions {
  readonly denials?: string;
  readonly line?: string;
  readonly since: number;
  readonly limit: number;
  readonly filename: string[];
  readonly meshConfig?: string;
}

export function explainCommand(): Command {
  return withOutput(withPlane(new Command("explain")), ["text", "json"])
    .description(
      "which policy refused a request, or would, and what the request lacks; exits 1 where it would be refused",
    )
    .argument("[request]", "trace id or x-request-id of a request in the access logs")
    .option("--denials <namespace/workload>", "the last requests that this workload refused")
    .option("--line <file>", "a line of the access log as JSON; - for standard input")
    .option(
      "--since <duration>",
      "how far to look back in the logs, such as 10m, 24h or 7d",
      parseSeconds,
      3600,
    )
    .option("--limit <count>", "with --denials: how many", parseCount, 5)
    .option("--to <namespace/workload:port>", "a request that nobody has sent yet: where it goes")
    .option(
      "--from <caller>",
      "namespace/workload, a SPIFFE identity, or plaintext; not known without it",
    )
    .option("--tcp", "a connection without requests")
    .option("-X, --method <method>", "GET without it")
    .option("--path <path>", "with its query; / without it")
    .option("--host <host>", "as the request names it; workload.namespace without it")
    .option('-H, --header <"name: value">', "may be repeated; there are no others", collect, [])
    .option("--claim <name=value>", "of a valid token; may be repeated", collect, [])
    .option("--claims <json>", "all claims of a valid token; there is none without either")
    .option("--source-ip <address>", "where the connection comes from")
    .option("--remote-ip <address>", "where its client is, behind proxies; --source-ip without it")
    .option("--sni <name>", "the server that the client's TLS names")
    .option(
      "-f, --filename <file>",
      "with --to: ask files instead of the mesh; may be repeated",
      collect,
      [],
    )
    .option("--mesh-config <file>", "with -f: Istio's MeshConfig, or the ConfigMap that holds it")
    .addHelpText(
      "after",
      `
Examples:
  heddle explain 4bf92f3577b34da6a3ce929d0e0e4736
  heddle explain --denials shop/basket --since 24h
  heddle explain --to shop/basket:8080 --from shop/web -X DELETE --path /baskets/7
  heddle explain --to shop/db:5432 --from plaintext --tcp -f manifests/`,
    )
    .action(async (request: string | undefined, options: ExplainOptions) => {
      const explained = await explain(request, options);
      if (options.output === "json") printJson(explained);
      else {
        const { show } = await import("../explain/show.ts");
        for (const [index, each] of explained.entries()) {
          if (index > 0) process.stdout.write("\n");
          show(each);
        }
      }
      if (explained.some(({ answer }) => answer.explanation?.outcome === "refused"))
        process.exitCode = 1;
    });
}

async function explain(
  request: string | undefined,
  options: ExplainOptions,
): Promise<readonly Explained[]> {
  const { to, denials, line, filename } = options;
  const asked = [request, denials, line, to].filter((each) => each !== undefined);
  if (asked.length !== 1 || (filename.length > 0 && to === undefined))
    throw new CliError(
      "HDL9125",
      asked.length === 0
        ? "Nothing is asked."
        : filename.length > 0 && to === undefined
          ? "Files have no access logs: only what --to asks is answered by them."
          : "Several things are asked at once.",
      "Give one of a request's id, --denials, --line and --to: `heddle explain --help` has examples.",
      2,
    );
  if (to !== undefined) {
    const { questionOf } = await import("../explain/question.ts");
    const answers = await answering(options);
    const question = await questionOf({ ...options, to }, answers.identityOf);
    return [{ question, answer: await answers.answer(question) }];
  }
  const { client, context } = await openPlane(options);
  const looking = { client, mesh: context.mesh, since: options.since };
  const { lineIn, linesOf, denialsOf } = await import("../explain/requests.ts");
  const lines =
    line === undefined
      ? denials === undefined
        ? await linesOf(looking, request ?? "")
        : await denialsOf(looking, denials, options.limit)
      : [await lineIn(line)];
  const { answersOfMesh } = await import("../explain/answers.ts");
  const answers = answersOfMesh(client, context.mesh);
  return Promise.all(lines.map((each) => explainLine(each, answers)));
}

async function explainLine(line: LogLine, answers: Answering): Promise<Explained> {
  const [{ accessQuestionOf, refusalOf }, { notALine }] = await Promise.all([
    import("@heddle/client"),
    import("../explain/requests.ts"),
  ]);
  const question = accessQuestionOf(line);
  if (!question) throw notALine(JSON.stringify(line.body));
  return { line, recorded: refusalOf(line), question, answer: await answers.answer(question) };
}

async function answering(options: ExplainOptions): Promise<Answering> {
  if (options.filename.length === 0) {
    const { client, context } = await openPlane(options);
    const { answersOfMesh } = await import("../explain/answers.ts");
    return answersOfMesh(client, context.mesh);
  }
  const { answersOfFiles } = await import("../explain/offline.ts");
  const [files, meshConfig] = await Promise.all([
    readInput(options.filename),
    meshConfigIn(options.meshConfig),
  ]);
  const answers = answersOfFiles(files, meshConfig);
  if (answers.diagnostics.length > 0)
    process.stderr.write(`${formatFindings(answers.diagnostics)}\n`);
  return answers;
}
