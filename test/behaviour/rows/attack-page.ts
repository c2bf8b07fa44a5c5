/** docs/coverage/attacks.md: every attack that the suite tries, what it is for, and what becomes of it. */
import type { AttackRow } from "./collect.ts";
import { GENERATED } from "./page.ts";

/** At least so many without those of paths against the validation of requests, which are a table of their own. */
const LEAST = 60;
const APART = "test/security/paths.test.ts";

/** What is wrong with the list as a whole. */
export function attackProblems(attacks: readonly AttackRow[]): readonly string[] {
  const count = attacks.filter(({ file }) => file !== APART).length;
  return count >= LEAST ? [] : [`There are ${count} attacks; ${LEAST} are the least.`];
}

/** In the order of the files. */
export function attackPage(attacks: readonly AttackRow[]): string {
  const files = new Map<string, AttackRow[]>();
  for (const each of attacks) files.set(each.file, [...(files.get(each.file) ?? []), each]);
  const parts = [...files].map(
    ([file, rows]) => `## [${file}](../../${file}): ${rows.length}

| attack | what he wants | what he gets |
|---|---|---|
${rows.map(line).join("\n")}
`,
  );
  return `${GENERATED}

# Attacks

What attackers try in the suite's ${attacks.length} tests, with real Envoys, agents and planes, and what they have to get word for word: a
status and a code, \`refused\` where there is no answer, or what is seen instead of what they were after.

${parts.join("\n")}`;
}

function line({ title, wants = "", gets }: AttackRow): string {
  return `| ${cell(title)} | ${cell(wants)} | ${gets === undefined ? "" : `\`${cell(gets)}\``} |`;
}

/** Long ones are named by how they begin; nothing of a text is taken for a part of the table. */
function cell(text: string): string {
  const short = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return short.replace(/[|[\]<\\]/g, String.raw`\$&`).replaceAll("\n", "␊");
}
