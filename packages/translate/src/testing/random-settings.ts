/** Random settings, of the mesh and of its proxies. */
import type { MeshSettingsSpec } from "@heddle/model";
import { PROVIDERS } from "./random-authorization.ts";
import fc from "fast-check";
import { object } from "../../../../test/harness/objects.ts";

/** Each is one revision's; without the object the mesh is as it was started. */
export const meshSettings = fc
  .record<MeshSettingsSpec>(
    {
      outboundTrafficPolicy: fc.constantFrom("ALLOW_ANY", "REGISTRY_ONLY"),
      accessLog: fc.boolean(),
      traceSampling: fc.constantFrom(0, 50),
      rootNamespace: fc.constantFrom("istio-system", "b"),
      clusterDomain: fc.constantFrom("cluster.local", "other.example"),
      trustDomainAliases: fc.constantFrom([], ["old.example"]),
      extensionProviders: fc.constantFrom(PROVIDERS, PROVIDERS.slice(0, 1)),
      onDemand: fc.constantFrom("AUTO", "ALWAYS", "NEVER"),
      ingressControllerMode: fc.constantFrom("OFF", "DEFAULT", "STRICT"),
    },
    { requiredKeys: [] },
  )
  .map((spec) => object("heddle.dev/v1", "MeshSettings", "mesh", spec, ""));

export const proxyConfig = fc
  .record({
    namespace: fc.constantFrom("a", "b", "istio-system"),
    concurrency: fc.constantFrom(undefined, 0, 2),
    app: fc.constantFrom(undefined, "one"),
  })
  .map(({ namespace, concurrency, app }) =>
    object(
      "networking.istio.io/v1beta1",
      "ProxyConfig",
      `config-${app ?? "all"}`,
      {
        ...(app ? { selector: { matchLabels: { app } } } : {}),
        ...(concurrency === undefined ? {} : { concurrency }),
        environmentVariables: { MODE: "a" },
      },
      namespace,
    ),
  );
