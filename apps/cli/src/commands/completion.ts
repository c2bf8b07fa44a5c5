/** `heddle completion`: shell functions made from the command tree itself. */
import { Argument, Command } from "commander";

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
  readonly command: string;
  readonly description: string;
  readonly options: readonly string[];
  /** What may stand first behind the command: its own commands, or kinds. */
  readonly first: readonly string[];
}

/** Commands whose first argument is a kind. */
const OF_A_KIND: ReadonlySet<string> = new Set(["get", "describe", "delete"]);

function words(program: Command, kinds: readonly string[]): Words[] {
  return program.commands.map((command) => ({
    command: command.name(),
    description: command.description(),
    first: [
      ...command.commands.map((each) => each.name()),
      ...(OF_A_KIND.has(command.name()) ? kinds : []),
    ],
    options: ["--help", ...command.options.flatMap((option) => option.long ?? option.short ?? [])],
  }));
}

const SCRIPTS = {
  bash: (all: Words[]) => `_heddle() {
  local current=\${COMP_WORDS[COMP_CWORD]} words= first=
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${all.map((w) => w.command).join(" ")}" -- "$current")); return; fi
  case "\${COMP_WORDS[1]}" in
${all.map((w) => `    ${w.command}) words="${w.options.join(" ")}"; first="${w.first.join(" ")}" ;;`).join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 2 ]; then words="$words $first"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -F _heddle heddle
`,
  zsh: (all: Words[]) => `autoload -U +X bashcompinit && bashcompinit
${SCRIPTS.bash(all)}`,
  fish: (all: Words[]) =>
    all
      .flatMap((w) => [
        `complete -c heddle -n __fish_use_subcommand -a ${w.command} -d '${w.description.replaceAll("'", "\\'")}'`,
        ...(w.first.length > 0
          ? [
              `complete -c heddle -f -n '__fish_seen_subcommand_from ${w.command}' -a '${w.first.join(" ")}'`,
            ]
          : []),
        ...w.options.map(
          (option) =>
            `complete -c heddle -n '__fish_seen_subcommand_from ${w.command}' -l ${option.replace(/^--?/, "")}`,
        ),
      ])
      .join("\n")
      .concat("\n"),
};
