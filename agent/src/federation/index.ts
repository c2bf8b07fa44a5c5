/** Trust domains that the mesh federates with. */
export {
  createFederatedTrusts,
  type FederatedBundle,
  type FederatedTrusts,
  KEPT_FEDERATIONS,
} from "./federated-trust.ts";
