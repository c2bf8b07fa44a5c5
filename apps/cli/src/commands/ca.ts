/** `heddle ca`: the certificate authorities of a mesh, its tenant's own root, and rotations. */
import type { AuthorityInfo, MeshAuthorities } from "@heddle/client";
import { Command } from "commander";
import { age, dim, green, printJson, red, table, yellow } from "../output/print.ts";
import { federateCommand, federationsCommand, unfederateCommand } from "./ca-federate.ts";
import { inventoryCommand } from "./ca-inventory.ts";
import { printRotation, rotateCommand } from "./ca-rotate.ts";
import { reinstateCommand, revocationsCommand, revokeCommand } from "./ca-revoke.ts";
import { rewrapCommand } from "./ca-rewrap.ts";
import { readInput } from "./input.ts";
import { collect, type PlaneOptions, withOutput, withPlane } from "./options.ts";
import { openPlane } from "./plane.ts";

export function caCommand(): Command {
  return new Command("ca")
    .description("certificate authorities of a mesh: see them, bring a root of one's own, rotate")
    .addCommand(showCommand())
    .addCommand(inventoryCommand())
    .addCommand(bundleCommand())
    .addCommand(requestCommand())
    .addCommand(importCommand())
    .addCommand(rotateCommand())
    .addCommand(rewrapCommand())
    .addCommand(revokeCommand())
    .addCommand(revocationsCommand())
    .addCommand(reinstateCommand())
    .addCommand(federateCommand())
    .addCommand(federationsCommand())
    .addCommand(unfederateCommand());
}

function showCommand(): Command {
  return withOutput(withPlane(new Command("show")))
    .description("what signs the mesh's certificates and what is trusted, with when each ends")
    .action(async (options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      const authorities = await client.authorities(context.mesh);
      if (options.output === "json") return printJson(authorities);
      print(authorities);
    });
}

function print({ trustDomain, authorities, request, rotation }: MeshAuthorities): void {
  process.stdout.write(`trust domain ${trustDomain}\n`);
  if (authorities.length === 0)
    process.stderr.write("No authority yet: it is made when the first certificate is asked for.\n");
  else {
    const rows = authorities.map((each) => [
      ...[colored(each.state), whose(each), each.subject, each.root.fingerprint.slice(0, 16)],
      ...[each.notAfter.slice(0, 10), left(each.notAfter), each.id],
    ]);
    const titles = ["STATE", "ROOT OF", "SUBJECT", "ROOT", "ENDS", "LEFT", "ID"];
    process.stdout.write(`${table(titles, rows)}\n`);
  }
  if (request)
    process.stdout.write(
      `a request of ${request.createdAt} waits for your root's signature: heddle ca csr\n`,
    );
  if (rotation) printRotation(rotation);
}

const colored = (state: AuthorityInfo["state"]) =>
  ({ issuing: green, trusted: yellow, leaving: yellow, retired: dim, prepared: dim })[state](state);

const whose = ({ kind }: AuthorityInfo) => (kind === "root" ? "the plane" : "yours");

function left(end: string): string {
  const milliseconds = Date.parse(end) - Date.now();
  return milliseconds > 0 ? age(milliseconds) : red("expired");
}

function bundleCommand(): Command {
  return withOutput(withPlane(new Command("bundle")), ["pem", "json"])
    .description("print the roots that workloads of the mesh trust now, in PEM")
    .action(async (options: PlaneOptions) => {
      const { client, context } = await openPlane(options);
      const bundle = await client.trustBundle(context.mesh);
      if (options.output === "json") return printJson(bundle);
      process.stdout.write(bundle.trustBundle);
    });
}

function requestCommand(): Command {
  return withOutput(withPlane(new Command("csr")), ["pem", "json"])
    .description("print the request for an intermediate, which a root of your own is to sign")
    .option("--renew", "another one, for a new key; what was signed for the last is of no use then")
    .addHelpText(
      "after",
      "\nExamples:\n  heddle ca csr > heddle.csr\n  openssl x509 -req -in heddle.csr -CA root.pem -CAkey root.key -CAcreateserial -days 365 -copy_extensions copyall -out heddle.pem\n  heddle ca import -f heddle.pem -f root.pem",
    )
    .action(async (options: PlaneOptions & { renew?: boolean }) => {
      const { client, context } = await openPlane(options);
      const made = await client.requestAuthority(context.mesh, { renew: options.renew ?? false });
      if (options.output === "json") return printJson(made);
      process.stdout.write(made.request);
      process.stderr.write(
        dim("  → sign it with your root, and bring what is signed: heddle ca import -f FILE\n"),
      );
    });
}

function importCommand(): Command {
  return withOutput(withPlane(new Command("import")))
    .description("take what your root has signed for the request, and rotate the mesh to it")
    .requiredOption(
      "-f, --filename <file>",
      "certificates in PEM, the signed one first and the root last; several files in that order; - is standard input",
      collect,
      [],
    )
    .option("--manual", "wait after each step for `heddle ca rotate advance`")
    .action(async (options: PlaneOptions & { filename: string[]; manual?: boolean }) => {
      const files = await readInput(options.filename);
      const { client, context } = await openPlane(options);
      const chain = files.map(({ content }) => content.trim()).join("\n");
      const automatic = !options.manual;
      const authorities = await client.importAuthority(context.mesh, `${chain}\n`, { automatic });
      if (options.output === "json") return printJson(authorities);
      print(authorities);
    });
}
