/** What is wrong with a configuration, with codes. Pure. */
export type { AnalysisInput, AnalysisOptions } from "./analyze.ts";
export { analyze } from "./analyze.ts";
export { gatewayApiStatusOf } from "./gateway-api.ts";
export type { IngressStatus } from "./ingress.ts";
export { ingressStatusOf } from "./ingress.ts";
export { analysisCodes } from "./codes.ts";
export type { Entry, KnownService } from "./mesh-index.ts";
export { MeshIndex } from "./mesh-index.ts";
