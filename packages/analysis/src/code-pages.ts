/** The pages of docs/codes, one for each code, made from the tables of codes. */
import type { CodeEntry } from "@heddle/model";
import { modelCodes } from "@heddle/model";
import { analysisCodes } from "./codes.ts";

/** Every code with its entry, sorted. */
export function allCodes(): [string, CodeEntry][] {
  return Object.entries({ ...modelCodes, ...analysisCodes }).toSorted(([a], [b]) =>
    a < b ? -1 : 1,
  );
}

/** File name to text, with a list of all in README.md. */
export function codePages(): Map<string, string> {
  const codes = allCodes();
  const rows = codes.map(
    ([code, { level, title }]) => `| [${code}](${code}.md) | ${level} | ${title} |`,
  );
  const list = [
    "# Codes",
    "",
    "What checking a configuration may find. `IST…` mean what Istio's codes mean; `HDL…` are Heddle's own. Codes from HDL1000 on are those of the plane, the agent and the command line.",
    "",
    "| code | level | what |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
  return new Map([
    ["README.md", list],
    ...codes.map(([code, entry]): [string, string] => [`${code}.md`, page(code, entry)]),
  ]);
}

/** Pages of other parts' codes, HDL1000 and up, stand in the same folder. */
export function isOurs(name: string): boolean {
  return name === "README.md" || /^(?:IST|HDL0)/.test(name);
}

function page(code: string, { level, title, why, example, remedy }: CodeEntry): string {
  const language = example.includes("\n") || /^[\w-]+: /.test(example) ? "yaml" : "text";
  return `# ${code}: ${title}

Level: ${level}, unless the finding says otherwise.

${why}

## Example

\`\`\`${language}
${example}
\`\`\`

## What to do

${remedy}
`;
}
