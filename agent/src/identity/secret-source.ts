/** The secrets that proxies get by SDS: each its own workload's certificate, the trust bundle, and gateways' credentials. */
import type { MeshObject, Secret } from "@heddle/model";
import { PkiError, spiffeId, workloadName } from "@heddle/pki";
import {
  type ProxyDescription,
  SYSTEM_ROOTS_SECRET,
  TRUST_BUNDLE_SECRET,
  WORKLOAD_SECRET,
} from "@heddle/translate";
import type { Secret as EnvoySecret } from "@heddle/envoy/extensions/transport_sockets/tls/v3";
import type { SecretSource } from "../xds/index.ts";
import type { WorkloadCertificate, WorkloadCertificates } from "./certificates.ts";
import { peerValidation, type TrustedRoots } from "./peer-validation.ts";
import { fingerprints } from "./roots.ts";
import { systemRoots } from "./system-roots.ts";
import { credential, parseCredentialName, secretKeys } from "./gateway-credentials.ts";

export interface AgentSecrets extends SecretSource {
  /** Objects of these keys have changed. */
  objectsChanged(keys: Iterable<string>): void;
  /** Others are trusted beside the mesh's own roots, or these under other names. */
  trustChanged(): void;
  /** The workload's certificate that a value is; undefined for any other one. */
  certificateOf(value: object): WorkloadCertificate | undefined;
  /** Fingerprints of the mesh's roots that a value is the bundle of; undefined for any other one. */
  rootsOf(value: object): readonly string[] | undefined;
}

export interface SecretSourceParts {
  readonly trustDomain: string;
  readonly certificates: WorkloadCertificates;
  readonly objectAt: (key: string) => MeshObject | undefined;
  /** What the model calls the workload of a proxy: what its certificate names, whatever the proxy says. */
  readonly workloadOf: (proxy: ProxyDescription) => string;
  /** Whose identities are taken; the trust domain's own alone unless told otherwise. */
  readonly trusted?: () => Omit<TrustedRoots, "own">;
}

export function createSecretSource({
  trustDomain,
  certificates,
  objectAt,
  workloadOf,
  trusted = () => ({ trustDomains: [trustDomain], federated: [] }),
}: SecretSourceParts): AgentSecrets {
  const listeners = new Set<(name: string) => void>();
  // A value keeps its identity while it is unchanged, so that it is encoded once.
  const values = new WeakMap<
    WorkloadCertificate | MeshObject,
    Map<string, EnvoySecret | undefined>
  >();
  const bundles = new WeakMap<object, readonly string[]>();
  const workloads = new WeakMap<object, WorkloadCertificate>();
  let bundle: { of: string; value: EnvoySecret } | undefined;
  const tell = (name: string) => {
    for (const listener of listeners) listener(name);
  };
  certificates.subscribe((trustBundleChanged) => {
    // Who is to be trusted comes before what is to be trusted.
    if (trustBundleChanged) tell(TRUST_BUNDLE_SECRET);
    tell(WORKLOAD_SECRET);
  });

  const once = (
    of: WorkloadCertificate | MeshObject,
    name: string,
    make: () => EnvoySecret | undefined,
  ) => {
    const known = values.get(of) ?? new Map<string, EnvoySecret | undefined>();
    values.set(of, known);
    if (!known.has(name)) known.set(name, make());
    return known.get(name);
  };
  const certificateFor = (proxy: ProxyDescription): WorkloadCertificate | undefined => {
    const { namespace, serviceAccount } = proxy;
    const id = spiffeId({ trustDomain, namespace, serviceAccount });
    return certificates.get(id, workloadName(workloadOf(proxy), { trustDomain, namespace }));
  };
  const workload = (proxy: ProxyDescription): EnvoySecret | undefined => {
    const certificate = certificateFor(proxy);
    return (
      certificate &&
      once(certificate, WORKLOAD_SECRET, () => {
        const value: EnvoySecret = {
          name: WORKLOAD_SECRET,
          tlsCertificate: {
            certificateChain: { inlineString: certificate.chain },
            privateKey: { inlineString: certificate.privateKey },
          },
        };
        workloads.set(value, certificate);
        return value;
      })
    );
  };
  const trust = (proxy: ProxyDescription): EnvoySecret | undefined => {
    const pem = certificates.trustBundle();
    if (pem === undefined) {
      certificateFor(proxy);
      return undefined;
    }
    const validationContext = peerValidation({ own: pem, ...trusted() });
    const of = JSON.stringify(validationContext);
    if (bundle?.of !== of) {
      bundle = { of, value: { name: TRUST_BUNDLE_SECRET, validationContext } };
      bundles.set(bundle.value, fingerprints(pem));
    }
    return bundle.value;
  };
  const gateway = (
    proxy: ProxyDescription,
    name: string,
    granted: boolean,
  ): EnvoySecret | undefined => {
    const wanted = parseCredentialName(name, proxy.namespace);
    if (!wanted) return undefined;
    // A gateway reads the Secrets of its own namespace, and those that its Gateway may use; a sidecar those that a rule selects it for.
    if (wanted.namespace !== proxy.namespace && !granted) return undefined;
    if (proxy.type !== "router" && !wanted.own) return undefined;
    for (const key of secretKeys(wanted)) {
      const object = objectAt(key) as MeshObject<Secret> | undefined;
      const value = object && once(object, name, () => credential(name, wanted, object));
      if (value) return value;
    }
    return undefined;
  };
  return {
    secret(proxy, name, granted) {
      try {
        if (name === WORKLOAD_SECRET) return workload(proxy);
        if (name === TRUST_BUNDLE_SECRET) return trust(proxy);
        if (name === SYSTEM_ROOTS_SECRET) return systemRoots();
        return gateway(proxy, name, granted);
      } catch (error) {
        // A node whose namespace or service account are no names has no identity.
        if (error instanceof PkiError) return undefined;
        throw error;
      }
    },
    certificateOf: (value) => workloads.get(value),
    rootsOf: (value) => bundles.get(value),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    trustChanged: () => tell(TRUST_BUNDLE_SECRET),
    objectsChanged(keys) {
      for (const key of keys) {
        const [, namespace, name] = /^core\/Secret\/([^/]+)\/([^/]+)$/.exec(key) ?? [];
        if (!namespace || !name) continue;
        for (const known of [`${namespace}/${name}`, name]) {
          tell(`kubernetes://${known}`);
          tell(`kubernetes://${known}-cacert`);
        }
      }
    },
  };
}
