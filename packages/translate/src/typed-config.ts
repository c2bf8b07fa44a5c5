/** Extension configurations as Envoy wants them: a message with its type beside its fields. */

export type TypedConfig = { readonly "@type": string } & { readonly [key: string]: unknown };

/** `type` is the full message name; give `T` so that the fields are checked against it. */
export function typedConfig<T extends object>(type: string, fields: T): TypedConfig {
  return { "@type": `type.googleapis.com/${type}`, ...fields };
}

/** A named extension: `name` is for people and for per-route configuration, the type decides what it is. */
export function extension<T extends object>(
  name: string,
  type: string,
  fields: T,
): { readonly name: string; readonly typedConfig: TypedConfig } {
  return { name, typedConfig: typedConfig(type, fields) };
}
