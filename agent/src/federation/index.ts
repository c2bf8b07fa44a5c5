/** Trust domains that the mesh federates with. */
export {
  createFederatedTrusts,
  type FederatedBundle,
  KEPT_FEDERATIONS,
} from "./federated-trust.ts";
