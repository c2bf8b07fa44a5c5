/** Ends a command that failed: says what, where, why and what to do, and picks the exit code. */
import { CliError } from "./cli-error.ts";
import { type Finding, formatFindings } from "./diagnostics.ts";
import { bold, dim, red } from "./print.ts";

/** What an API error looks like; structural, so that this file loads no client. */
interface ApiFailure extends Error {
  readonly problem: {
    readonly code: string;
    readonly title: string;
    readonly detail: string;
    readonly remedy?: string;
    readonly diagnostics?: Finding[];
  };
}

export function fail(error: unknown): never {
  const { text, exitCode } = explain(error);
  process.stderr.write(`${text}\n`);
  process.exit(exitCode);
}

function explain(error: unknown): { text: string; exitCode: number } {
  if (error instanceof CliError) {
    return { text: line(error.code, error.message, error.remedy), exitCode: error.exitCode };
  }
  if (isApiFailure(error)) {
    const { code, title, detail, remedy, diagnostics } = error.problem;
    const findings = diagnostics?.length ? `\n${formatFindings(diagnostics)}` : "";
    return { text: line(code, detail || title, remedy) + findings, exitCode: 1 };
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  const coded = cause as Error & { code?: string; remedy?: string; exitCode?: 1 | 2 };
  if (/^HDL\d{4}$/.test(coded.code ?? "")) {
    const text = line(coded.code as string, cause.message, coded.remedy);
    return { text, exitCode: coded.exitCode ?? 1 };
  }
  const refused = `${cause.message} ${(cause.cause as Error | undefined)?.message ?? ""}`;
  if (/EPIPE|ECONNRESET|other side closed/.test(refused)) {
    const remedy =
      "Try again, and see whether the plane still runs; a request may have at most 10 MB.";
    const text = line("HDL9024", `The plane ended the connection: ${refused.trim()}`, remedy);
    return { text, exitCode: 1 };
  }
  if (/ECONNREFUSED|fetch failed|ENOTFOUND/.test(refused)) {
    const remedy = "Check that it runs (`heddle up` or `heddle server`) and that --url is right.";
    return {
      text: line("HDL9023", `The plane cannot be reached: ${refused.trim()}`, remedy),
      exitCode: 1,
    };
  }
  const stack = process.env["HEDDLE_DEBUG"] ? `\n${cause.stack}` : "";
  const remedy =
    "This should not happen. Run it again with HEDDLE_DEBUG=1 and report what it prints.";
  return { text: line("HDL9000", cause.message, remedy) + stack, exitCode: 1 };
}

function line(code: string, message: string, remedy?: string): string {
  return `${red("error")} ${bold(code)} ${message}${remedy ? `\n${dim(`  → ${remedy}`)}` : ""}`;
}

function isApiFailure(error: unknown): error is ApiFailure {
  return error instanceof Error && typeof (error as Partial<ApiFailure>).problem === "object";
}
