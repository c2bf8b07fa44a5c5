/** Names every message of the API and joins a message's type to its `@type`, for use where the API takes any message. */
import type { MessageTypes } from "./gen/messages.ts";

/** Full name of a message: `envoy.config.cluster.v3.Cluster`. */
export type MessageName = keyof MessageTypes;

/** The JSON shape of a message, by its full name. */
export type MessageOf<Name extends MessageName> = MessageTypes[Name];

/** A message inside an Any: `Typed<"envoy.extensions.filters.http.router.v3.Router">`. Assignable to `TypedConfig`. */
export type Typed<Name extends MessageName> = {
  readonly "@type": `type.googleapis.com/${Name}`;
} & MessageTypes[Name];
