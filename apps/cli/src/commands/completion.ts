/** `heddle completion`: shell functions made from the command tree itself. */
import { Argument, Command } from "commander";

export function completionCommand(program: Command): Command {
  return new Command("completion")
    .description("print a completion script: source <(heddle completion bash)")
    .addArgument(new Argument("<shell>", "the shell").choices(["bash", "zsh", "fish"]))
    .action((shell: "bash" | "zsh" | "fish") => {
      process.stdout.write(SCRIPTS[shell](words(program)));
    });
}

interface Words {
  readonly command: string;
  readonly description: string;
  readonly options: readonly string[];
}

function words(program: Command): Words[] {
  return program.commands.map((command) => ({
    command: command.name(),
    description: command.description(),
    options: ["--help", ...command.options.flatMap((option) => option.long ?? option.short ?? [])],
  }));
}

const SCRIPTS = {
  bash: (all: Words[]) => `_heddle() {
  local current=\${COMP_WORDS[COMP_CWORD]}
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${all.map((w) => w.command).join(" ")}" -- "$current")); return; fi
  case "\${COMP_WORDS[1]}" in
${all.map((w) => `    ${w.command}) COMPREPLY=($(compgen -W "${w.options.join(" ")}" -- "$current")) ;;`).join("\n")}
  esac
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
        ...w.options.map(
          (option) =>
            `complete -c heddle -n '__fish_seen_subcommand_from ${w.command}' -l ${option.replace(/^--?/, "")}`,
        ),
      ])
      .join("\n")
      .concat("\n"),
};
