/**
 * What a proxy proves itself by, and knows the agent by: one mounted folder with the pod's own token, which Kubernetes renews,
 * the agent's root certificate, and the two files by which Envoy finds them.
 */
import { XDS_FILES, xdsSecretFiles } from "@heddle/translate";
import type { Volume, VolumeMount } from "./pod.ts";

/** In every namespace that has proxies; whoever runs the agent keeps it. */
export const IDENTITY_CONFIG_MAP = "heddle-agent-identity";
export const IDENTITY_FOLDER = "/var/run/secrets/heddle";
/** What the token is good for, and nothing else. */
export const TOKEN_AUDIENCE = "heddle";
/** Kubernetes renews a token when it has come four fifths of its way. Seconds. */
const TOKEN_LIFETIME = 3600;

const VOLUME = "heddle-identity";

export const identityMount: VolumeMount = {
  name: VOLUME,
  mountPath: IDENTITY_FOLDER,
  readOnly: true,
};

export const identityVolume: Volume = {
  name: VOLUME,
  projected: {
    sources: [
      {
        serviceAccountToken: {
          path: XDS_FILES.token,
          audience: TOKEN_AUDIENCE,
          expirationSeconds: TOKEN_LIFETIME,
        },
      },
      { configMap: { name: IDENTITY_CONFIG_MAP } },
    ],
  },
};

/** The ConfigMap, by the agent's root certificates in PEM. */
export function identityConfigMap(namespace: string, roots: string): object {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: IDENTITY_CONFIG_MAP, namespace },
    data: { [XDS_FILES.roots]: roots, ...xdsSecretFiles(IDENTITY_FOLDER) },
  };
}
