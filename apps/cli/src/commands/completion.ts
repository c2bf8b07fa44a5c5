/** `heddle completion`: shell functions made from the command tree itself. */
import { Argument, Command, type Option } from "commander";
import { SETTING_NAMES } from "./mesh-settings.ts";

export function completionCommand(program: Command): Command {
  return new Command("completion")
    .description("print a completion script: source <(heddle completion bash)")
    .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
    .action(async (shell: "bash" | "zsh" | "fish") => {
      const { kinds } = await import("@heddle/model");
      const names = [...new Set(kinds.map(({ kind }) => kind.toLowerCase()))].toSorted();
      process.stdout.write(SCRIPTS[shell](words(program, names)));
    });
}

interface Words {
  /** The words that lead there: a command, or a command and one of its own. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly string[];
  /** What may stand first behind it: its own commands, kinds, or settings. */
  readonly first: readonly string[];
}

/** Commands whose first argument is a kind. */
const OF_A_KIND: ReadonlySet<string> = new Set(["get", "describe", "delete"]);

function words(command: Command, kinds: readonly string[], path: readonly string[] = []): Words[] {
  return command.commands.flatMap((each) => {
    const own = [...path, each.name()];
    const line = own.join(" ");
    return [
      {
        path: own,
        description: each.description(),
        first: [
          ...each.commands.map((inner) => inner.name()),
          ...(each.registeredArguments[0]?.argChoices ?? []),
          ...(OF_A_KIND.has(line) ? kinds : []),
          ...(line === "mesh set" ? SETTING_NAMES.map((name) => `${name}=`) : []),
        ],
        options: ["--help", ...each.options.flatMap(nameOf)],
      },
      ...words(each, kinds, own),
    ];
  });
}

function nameOf({ hidden, long, short }: Option): string | readonly string[] {
  return hidden ? [] : (long ?? short ?? []);
}

/** Scripts find the words behind the longest path that the line begins with. */
const depth = (all: readonly Words[], wanted: number) =>
  all.filter(({ path }) => path.length === wanted);
const bashCase = ({ path, options, first }: Words) =>
  `    "${path.join(" ")}") words="${options.join(" ")}"; first="${first.join(" ")}" ;;`;
/** What a command's own commands are completed with, and theirs. */
const bashDeeper = (all: readonly Words[], wanted: number) =>
  `  if [ "$COMP_CWORD" -gt ${wanted} ]; then case "\${COMP_WORDS[*]:1:${wanted}}" in
${depth(all, wanted)
  .map((each) => bashCase(each).replace(/ ;;$/, `; at=${wanted + 1} ;;`))
  .join("\n")}
  esac; fi`;

const SCRIPTS = {
  bash: (all: Words[]) => `_heddle() {
  local current=\${COMP_WORDS[COMP_CWORD]} words= first= at=2
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${depth(all, 1)
    .map(({ path }) => path[0])
    .join(" ")}" -- "$current")); return; fi
  case "\${COMP_WORDS[1]}" in
${depth(all, 1).map(bashCase).join("\n")}
  esac
${[2, 3].map((wanted) => bashDeeper(all, wanted)).join("\n")}
  if [ "$COMP_CWORD" -eq "$at" ]; then words="$words $first"; fi
  case "$words" in *=*) compopt -o nospace 2>/dev/null ;; esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _heddle heddle
`,
  zsh: (all: Words[]) => `autoload -U +X bashcompinit && bashcompinit
${SCRIPTS.bash(all)}`,
  fish: (all: Words[]) =>
    all
      .flatMap(({ path, description, options, first }) => {
        const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
        return [
          ...(path.length === 1
            ? [
                `complete -c heddle -n __fish_use_subcommand -a ${path[0]} -d '${description.replaceAll("'", "\\'")}'`,
              ]
            : []),
          ...(first.length > 0
            ? [`complete -c heddle -f -n '${seen}' -a '${first.join(" ")}'`]
            : []),
          ...options.map(
            (option) => `complete -c heddle -n '${seen}' -l ${option.replace(/^--?/, "")}`,
          ),
        ];
      })
      .join("\n")
      .concat("\n"),
};
