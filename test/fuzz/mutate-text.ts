/** Spoils YAML as text: doubled keys, aliases that lead back to themselves, deep nesting, cut ends, stray signs. */
import type { Random } from "./random.ts";

const SIGNS = [
  "\t",
  ":",
  "-",
  "&a",
  "*a",
  "!!binary ",
  "|",
  ">",
  "{",
  "}",
  "[",
  "]",
  "#",
  '"',
  "'",
  "%",
  "\u0000",
  "\ufeff",
  "? ",
  "<<: ",
];

export function mutateText(text: string, random: Random): string {
  let spoiled = text;
  for (let times = 1 + random.int(3); times > 0; times--) spoiled = spoil(spoiled, random);
  return spoiled;
}

function spoil(text: string, random: Random): string {
  const lines = text.split("\n");
  const line = random.int(lines.length);
  const at = random.int(text.length + 1);
  switch (random.int(14)) {
    case 0: // A line, and so most often a key, twice.
      lines.splice(line, 0, lines[line]!);
      return lines.join("\n");
    case 1:
      lines.splice(line, 1);
      return lines.join("\n");
    case 2: // What a mapping holds becomes the mapping itself.
      return text.replace("spec:", "spec: &a\n  self: *a");
    case 3:
      return text.replace(/^(\s*)(\w+):\s*$/m, "$1$2: &b\n$1  $2: *b");
    case 4: // Each level stands for ten of the one before it.
      return `${laughs(1 + random.int(9))}${text}`;
    case 5:
      return `${text}\ndeep: ${"[".repeat(1 + random.int(400))}`;
    case 6: {
      const depth = 1 + random.int(400);
      return `${text}\ndeep: ${"{a: ".repeat(depth)}1${"}".repeat(depth)}`;
    }
    case 7:
      return text.slice(0, at);
    case 8:
      return text.slice(0, at) + random.pick(SIGNS) + text.slice(at);
    case 9:
      return text.slice(0, at) + text.slice(at + 1 + random.int(10));
    case 10: // Indented differently from here on.
      return lines.map((each, index) => (index < line ? each : ` ${each}`)).join("\n");
    case 11: // Two documents, or the same one twice.
      return `${text}\n---\n${random.once(2) ? text : "- a\n- b\n"}`;
    case 12: // Keys that are no text.
      return text.replace(
        /^(\s*)(\w+):/m,
        random.pick(["$1[a, b]:", "$1? {c: d}\n$1:", "$11:", "$1null:", "$1__proto__:"]),
      );
    default:
      return text.replace(
        /: (\S+)$/m,
        random.pick([
          ": !!int x",
          ": !foo {a: b}",
          ": 2001-01-01",
          ": .nan",
          ": 0x1F",
          ": yes",
          ": ~",
          `: ${"z".repeat(100_000)}`,
        ]),
      );
  }
}

function laughs(levels: number): string {
  const rows = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"];
  for (let i = 1; i < levels; i++) {
    rows.push(`l${i}: &l${i} [${Array.from({ length: 10 }, () => `*l${i - 1}`).join(", ")}]`);
  }
  return `${rows.join("\n")}\n`;
}
