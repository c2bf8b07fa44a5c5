/** `heddle token`: who may talk to the plane. */
import type { TokenInfo, TokenScope } from "@heddle/client";
import { Command, InvalidArgumentError } from "commander";
import { age, dim, green, printJson, red, table } from "../output/print.ts";
import { parseSeconds, type PlaneOptions, withOutput, withPlaneAlone } from "./options.ts";
import { openPlaneAlone } from "./plane.ts";

const SCOPES: readonly TokenScope[] = ["read", "write", "admin"];

export function tokenCommand(): Command {
  return new Command("token")
    .description("tokens of the plane: list, create, revoke")
    .addCommand(listCommand())
    .addCommand(createCommand())
    .addCommand(revokeCommand());
}

function listCommand(): Command {
  return withOutput(withPlaneAlone(new Command("list").alias("ls")))
    .description("every token, without its secret")
    .action(async (options: PlaneOptions) => {
      const { client } = await openPlaneAlone(options);
      const tokens: TokenInfo[] = [];
      for await (const token of client.allTokens()) tokens.push(token);
      if (options.output === "json") return printJson(tokens);
      const since = (time: string | undefined) => (time ? age(Date.now() - Date.parse(time)) : "-");
      const rows = tokens.map((token) => [
        token.id,
        token.name,
        token.scopes.join(","),
        token.mesh ?? "all",
        since(token.createdAt),
        since(token.lastUsedAt),
        token.expiresAt ?? "never",
        stateOf(token),
      ]);
      process.stdout.write(
        `${table(["ID", "NAME", "SCOPES", "MESH", "AGE", "LAST USED", "EXPIRES", "STATE"], rows)}\n`,
      );
    });
}

function stateOf({ revokedAt, expiresAt }: TokenInfo): string {
  if (revokedAt) return red("revoked");
  return expiresAt && Date.parse(expiresAt) <= Date.now() ? red("expired") : green("good");
}

function createCommand(): Command {
  return withOutput(withPlaneAlone(new Command("create")))
    .description("make a token; prints its secret alone, which is shown only this once")
    .argument("<name>", "whose it is: history names it as the author")
    .option("--scope <scopes>", `any of ${SCOPES.join(", ")}, by commas`, parseScopes, ["write"])
    .option("--mesh <mesh>", "good for this mesh alone; all without it")
    .option("--expires <duration>", "how long it is good, such as 24h or 90d", parseSeconds)
    .action(
      async (name: string, options: PlaneOptions & { scope: TokenScope[]; expires?: number }) => {
        const { client } = await openPlaneAlone(options);
        const made = await client.createToken({
          name,
          scopes: options.scope,
          ...(options.mesh ? { mesh: options.mesh } : {}),
          ...(options.expires === undefined ? {} : { expiresInSeconds: options.expires }),
        });
        if (options.output === "json") return printJson(made);
        process.stdout.write(`${made.token}\n`);
        process.stderr.write(
          dim(`  → id ${made.id}, scopes ${made.scopes.join(", ")}; it is not shown again\n`),
        );
      },
    );
}

function parseScopes(text: string): TokenScope[] {
  return text.split(",").map((word) => {
    const scope = SCOPES.find((each) => each === word.trim());
    if (!scope) throw new InvalidArgumentError(`Scopes are ${SCOPES.join(", ")}.`);
    return scope;
  });
}

function revokeCommand(): Command {
  return withOutput(withPlaneAlone(new Command("revoke")))
    .description("end tokens at once")
    .argument("<ids...>", "ids, as `heddle token list` has them")
    .action(async (ids: string[], options: PlaneOptions) => {
      const { client } = await openPlaneAlone(options);
      for (const id of ids) {
        await client.revokeToken(id);
        if (options.output !== "json") process.stdout.write(`token ${id} revoked\n`);
      }
      if (options.output === "json") printJson({ revoked: ids });
    });
}
