/** Pages of codes: those of the plane itself in docs/codes, and every problem's at `/docs/errors/{code}`, where problem documents point. */
import { pkiProblemKinds } from "../pki/problems.ts";
import { syncProblemKinds } from "../sync/problems.ts";
import { telemetryProblemKinds } from "../telemetry/problems.ts";
import { problemKinds, startKinds } from "./codes.ts";

/** The pages of the plane's own codes, which are files in docs/codes; other domains keep theirs. */
export function planePages(): ReadonlyMap<string, string> {
  const pages = new Map<string, string>();
  for (const [code, { status, title, remedy }] of Object.entries(problemKinds))
    pages.set(code, page(code, title, answered(status), remedy));
  for (const [code, { title, remedy }] of Object.entries(startKinds))
    pages.set(code, page(code, title, "The plane does not start; its message says where.", remedy));
  return pages;
}

/** The page of any problem that the API answers with. */
export function problemPage(code: string): string | undefined {
  const own = planePages().get(code);
  if (own !== undefined) return own;
  const known = Object.entries({
    ...syncProblemKinds,
    ...pkiProblemKinds,
    ...telemetryProblemKinds,
  });
  const found = known.find(([name]) => name === code);
  if (!found) return undefined;
  const { status, title, remedy } = found[1];
  return page(code, title, answered(status), remedy);
}

const answered = (status: number) =>
  `The plane answers with HTTP ${status}; the problem document's \`detail\` says what it was about.`;

function page(code: string, title: string, when: string, remedy: string): string {
  return `# ${code}: ${title}\n\n${when}\n\n## What to do\n\n${remedy}\n`;
}
