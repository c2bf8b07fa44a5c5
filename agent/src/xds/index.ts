/** xDS: what the rest of the agent uses of it. */
export { createAdsServer } from "./ads-server.ts";
export type { AdsServer, AdsServerOptions } from "./ads-server.ts";
export { concernsBothEnds } from "./overlap/both-ends.ts";
export type { ProxyStatus } from "./proxy-stream.ts";
export type { Standing, TypeStatus } from "./subscription.ts";
export { resourceKinds } from "./ports.ts";
export type {
  ProxyView,
  ResourceType,
  SecretSource,
  SecretValue,
  ViewSource,
  WorkingSets,
  XdsLog,
} from "./ports.ts";
