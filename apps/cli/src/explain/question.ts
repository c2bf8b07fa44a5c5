/** A question about access as options of the command line put it. */
import { isIpAddress, type WorkloadAccessQuestion } from "@heddle/model";
import { CliError } from "../output/cli-error.ts";

export interface QuestionOptions {
  readonly to?: string;
  readonly from?: string;
  readonly tcp?: boolean;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly header: readonly string[];
  readonly claim: readonly string[];
  readonly claims?: string;
  readonly sourceIp?: string;
  readonly remoteIp?: string;
  readonly sni?: string;
}

/** The identity of a workload, SPIFFE URI; throws HDL9128 where there is none of the name. */
export type IdentityOf = (workload: Workload) => Promise<string>;

export interface Workload {
  readonly namespace: string;
  readonly name: string;
}

/**
 * What an option does not tell is known all the same: without `--header` there is no header, without claims no token. Who calls is
 * not known without `--from`. Throws HDL9129.
 */
export async function questionOf(
  options: QuestionOptions & { readonly to: string },
  identityOf: IdentityOf,
): Promise<WorkloadAccessQuestion> {
  const { namespace, name, port } = destinationOf(options.to);
  const { tcp, method, path, host, sni, sourceIp, remoteIp } = options;
  const requests = { method: method ?? "GET", path: path ?? "/" };
  if (!requests.path.startsWith("/"))
    throw wrong(
      "--path",
      requests.path,
      "Give a path that begins with a slash, such as /orders?all.",
    );
  const from = await principalOf(options.from, identityOf);
  return {
    ...{ namespace, workload: name, port },
    ...(from === undefined ? {} : { principal: from }),
    ...(tcp
      ? { layer: "tcp" }
      : {
          ...requests,
          // A client names the host that it calls, which has the workload's port in it only where it is not HTTP's own.
          host: host ?? `${name}.${namespace}`,
          headers: headersOf(options.header),
          claims: claimsOf(options),
        }),
    ...(sourceIp === undefined ? {} : { sourceAddress: address("--source-ip", sourceIp) }),
    ...(remoteIp === undefined ? {} : { remoteAddress: address("--remote-ip", remoteIp) }),
    ...(sni === undefined ? {} : { serverName: sni }),
  };
}

/** Throws HDL9129. */
export function workloadNamed(option: string, text: string): Workload {
  const [, namespace, name] = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? [];
  if (namespace === undefined || name === undefined)
    throw wrong(option, text, "Give it as NAMESPACE/WORKLOAD, such as shop/basket.");
  return { namespace, name };
}

function destinationOf(text: string): Workload & { readonly port: number } {
  const [, workload = "", digits] = /^(.*):(\d+)$/.exec(text) ?? [];
  const port = Number(digits);
  if (!(port > 0 && port <= 65_535))
    throw wrong("--to", text, "Give it as NAMESPACE/WORKLOAD:PORT, such as shop/basket:8080.");
  return { ...workloadNamed("--to", workload), port };
}

async function principalOf(
  from: string | undefined,
  identityOf: IdentityOf,
): Promise<string | null | undefined> {
  if (from === undefined) return undefined;
  if (from === "plaintext") return null;
  if (from.startsWith("spiffe://")) return from;
  // As principals of AuthorizationPolicies are written.
  if (/^[^/]+\/ns\/[^/]+\/sa\/[^/]+$/.test(from)) return `spiffe://${from}`;
  return identityOf(workloadNamed("--from", from));
}

function headersOf(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    headers.map((each) => {
      const [, name, value = ""] = /^([^:\s]+):\s*(.*)$/s.exec(each) ?? [];
      if (name === undefined)
        throw wrong("--header", each, 'Give it as in HTTP, such as -H "x-team: blue".');
      return [name.toLowerCase(), value];
    }),
  );
}

function claimsOf({ claim, claims }: QuestionOptions): Record<string, unknown> | null {
  if (claim.length === 0 && claims === undefined) return null;
  const single = claim.map((each) => {
    const [, name, value = ""] = /^([^=]+)=(.*)$/s.exec(each) ?? [];
    if (name === undefined)
      throw wrong("--claim", each, "Give it as NAME=VALUE, such as sub=alice.");
    return [name, value] as const;
  });
  return { ...(claims === undefined ? {} : claimsIn(claims)), ...Object.fromEntries(single) };
}

function claimsIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw wrong(
    "--claims",
    text,
    `Give a JSON object, such as '{"iss": "https://issuer", "sub": "alice"}'.`,
  );
}

function address(option: string, text: string): string {
  if (isIpAddress(text)) return text;
  throw wrong(option, text, "Give an IP address, such as 10.0.0.7.");
}

function wrong(option: string, value: string, remedy: string): CliError {
  return new CliError("HDL9129", `${option} cannot be ${JSON.stringify(value)}.`, remedy, 2);
}
