/** A question about access as rules are judged by it. */
import type {
  AccessQuestion,
  MeshObject,
  MutualTlsMode,
  RequestAuthentication,
  RequestValidation,
} from "@heddle/model";
import { SPACE_DELIMITED } from "../authentication/token-check.ts";
import type { Facts } from "../authorization/facts.ts";
import { JWT_FILTER, TOKEN_PAYLOAD } from "../filter/names.ts";
import type { ProxyDescription } from "../proxy.ts";
import { normalizedPath } from "./normalized-path.ts";

/** The question, with what the workload makes of it. */
export interface Asked extends AccessQuestion {
  /** The workload's own. */
  readonly port: number;
  readonly layer: "http" | "tcp";
  readonly type: ProxyDescription["type"];
  readonly mutualTls: {
    readonly mode: MutualTlsMode;
    /** Key of the policy that says so; undefined where none does. */
    readonly policy: string | undefined;
  };
}

interface Guards {
  readonly authentications: readonly MeshObject<RequestAuthentication>[];
  readonly validation: MeshObject<RequestValidation> | undefined;
  /** Servers are asked, and requests checked, before a token is read. */
  readonly token: "unread" | "read";
}

export function factsOf(asked: Asked, guards: Guards): Facts {
  const { method, path, host, headers, sourceAddress, remoteAddress = sourceAddress } = asked;
  const said = { ":method": method, ":authority": host, ":path": pathOf(path, asked, guards) };
  return {
    headers: {
      ...headers,
      ...Object.fromEntries(
        Object.entries(said).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
    },
    identities: identitiesOf(asked),
    directRemoteAddress: sourceAddress,
    remoteAddress,
    localAddress: asked.destinationAddress,
    localPort: asked.port,
    serverName: asked.principal === null ? (asked.serverName ?? "") : asked.serverName,
    metadata: tokenOf(asked, guards),
    complete: { headers: headers !== undefined, metadata: false },
  };
}

function pathOf(path: string | undefined, { type }: Asked, { validation }: Guards) {
  return path === undefined ? undefined : normalizedPath(path, type, validation?.spec);
}

/** Where TLS is not taken off, nobody sees whose it is. */
function identitiesOf({ principal, mutualTls, type }: Asked): readonly string[] | undefined {
  if (type === "sidecar" && mutualTls.mode === "DISABLE") return [];
  if (principal === undefined) return undefined;
  return principal === null ? [] : [principal];
}

/** What the filter for tokens leaves; nothing where nobody reads them. */
function tokenOf({ claims }: Asked, { authentications, token }: Guards): Facts["metadata"] {
  const rules = authentications.flatMap(({ spec }) => spec.jwtRules ?? []);
  if (token === "unread" || rules.length === 0 || claims === null) return { [JWT_FILTER]: {} };
  if (claims === undefined) return {};
  const listed = new Set([
    ...SPACE_DELIMITED,
    ...rules.flatMap(({ spaceDelimitedClaims = [] }) => spaceDelimitedClaims),
  ]);
  const payload = Object.entries(claims).map(([name, value]) => [
    name,
    listed.has(name) && typeof value === "string" ? value.split(" ").filter(Boolean) : value,
  ]);
  return { [JWT_FILTER]: { [TOKEN_PAYLOAD]: Object.fromEntries(payload) } };
}
