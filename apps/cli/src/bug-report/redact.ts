/**
 * What goes into a report is read by others: objects lose the values of Secrets and what is called like one, and every text loses what looks
 * like one, wherever it was found.
 */

const REDACTED = "[redacted]";

/** Fields whose text is a secret, or may hold one: `password`, `clientSecret`, `api_key`, `AUTH_TOKEN`. */
const SECRET_NAME =
  /(?:pass(?:word|wd|phrase)?|secret|token|credentials?|private[-_.]?key|api[-_.]?key|access[-_.]?key|(?:^|[-_.])auth|authorization|cookie|dsn|(?:database|connection)[-_.]?(?:url|uri|string))$/i;
/** Such names that name a thing and hold no value of it. */
const NAMES_A_THING =
  /^(?:credentialName|serviceAccountToken|automountServiceAccountToken|imagePullSecrets?|secret|tokenSecret|generateToken)$/;
/** What of an object kubectl has kept as text. */
const COPIES = ["kubectl.kubernetes.io/last-applied-configuration"];

/** What looks like a secret, whatever it stands in. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, REDACTED],
  // JSON Web Tokens, of service accounts above all.
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, REDACTED],
  // Heddle's own: of agents and people, and those to join with.
  [/\bhdlj?_[\w-]{16,}/g, REDACTED],
  [/\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi, `$1 ${REDACTED}`],
  // `postgres://name:password@host`
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"']*):[^\s/@"']+@/gi, `$1:${REDACTED}@`],
  // `password=…`, `"token": "…"` in logs and arguments.
  [
    /((?:password|passwd|client[-_]?secret|api[-_]?key|access[-_]?key|auth[-_]?token|token)["']?\s*[=:]\s*["']?)(?!\[redacted\]|true\b|false\b|null\b)[^\s"',;&{}[\]]{4,}/gi,
    `$1${REDACTED}`,
  ],
];

/** The text without what looks like a secret. */
export function withoutSecrets(text: string): string {
  return PATTERNS.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), text);
}

/** An object of a cluster without values that are secret or none of a report's business. */
export function cleanObject(object: Readonly<Record<string, unknown>>): object {
  const { kind } = object;
  if (object["metadata"] === undefined) return clean(object) as object;
  const { managedFields: _, ...metadata } = object["metadata"] as Record<string, unknown>;
  const annotations = Object.fromEntries(
    Object.entries((metadata["annotations"] ?? {}) as Record<string, string>).filter(
      ([name]) => !COPIES.includes(name),
    ),
  );
  const kept = { ...metadata, ...(metadata["annotations"] === undefined ? {} : { annotations }) };
  const cleaned = { ...object, metadata: kept } as Record<string, unknown>;
  if (kind === "Secret" || (kind === "ConfigMap" && !isOfMesh(metadata)))
    for (const field of ["data", "stringData", "binaryData"])
      if (cleaned[field] !== undefined) cleaned[field] = emptied(cleaned[field]);
  return clean(cleaned) as object;
}

/** Settings of a mesh are what a report is about; those of applications are theirs. */
function isOfMesh({
  name,
  labels,
}: {
  readonly name?: unknown;
  readonly labels?: unknown;
}): boolean {
  const { "app.kubernetes.io/part-of": of } = (labels ?? {}) as Record<string, string>;
  return of === "heddle" || /^(?:heddle|istio)(?:$|-)/.test(String(name));
}

/** Envoy's configuration dump without its secrets: of private keys it says itself that they are left out, of tokens it does not. */
export function withoutEnvoySecrets(dump: string): string {
  const { configs = [] } = JSON.parse(dump) as { configs?: readonly { "@type"?: string }[] };
  const kept = configs.filter((config) => !config["@type"]?.endsWith(".SecretsConfigDump"));
  return JSON.stringify({ configs: kept.map(clean) }, undefined, 1);
}

/** Names stay: which keys there are says much. */
function emptied(data: unknown): Record<string, string> {
  return Object.fromEntries(Object.keys(data as object).map((name) => [name, REDACTED]));
}

function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value === "string") return withoutSecrets(value);
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(fields).map(([name, inner]) => {
      if (typeof inner === "string" && isSecret(name)) return [name, REDACTED];
      // `{ name: API_KEY, value: … }`, as variables and headers are written.
      // Whoever names variables of an application knows what they hold; nobody else does.
      if (name === "env" && Array.isArray(inner) && !isOurs(fields["name"]))
        return [name, inner.map(withoutValue)];
      if (name === "value" && typeof inner === "string" && isSecret(String(fields["name"] ?? "")))
        return [name, REDACTED];
      return [name, clean(inner)];
    }),
  );
}

/** Containers whose variables are ours. */
function isOurs(container: unknown): boolean {
  return container === "istio-proxy" || container === "istio-init" || container === "agent";
}

function withoutValue(variable: unknown): unknown {
  const { value, ...rest } = (variable ?? {}) as Record<string, unknown>;
  return value === undefined ? clean(rest) : { ...rest, value: REDACTED };
}

function isSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !NAMES_A_THING.test(name);
}
