/** The `data` of a Secret, in which the API server has every value in base64. */

interface Secret {
  readonly [field: string]: unknown;
}

export function secretData(
  values: Readonly<Record<string, string | Uint8Array>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  );
}

/** Undefined where there is no such key. */
export function secretValue(secret: Secret, key: string): Buffer | undefined {
  const value = dataOf(secret)[key];
  return typeof value === "string" ? Buffer.from(value, "base64") : undefined;
}

/** All values, of a Secret that holds texts. */
export function secretTexts(secret: Secret): Record<string, string> {
  return Object.fromEntries(
    Object.keys(dataOf(secret)).map((key) => [key, secretValue(secret, key)?.toString() ?? ""]),
  );
}

function dataOf(secret: Secret): Readonly<Record<string, unknown>> {
  return (secret["data"] ?? {}) as Readonly<Record<string, unknown>>;
}
