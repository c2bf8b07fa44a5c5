/** The injection webhook without its server: an AdmissionReview of a pod in, the same with an answer out. */
import { inject } from "./inject.ts";
import type { Finding } from "./finding.ts";
import { difference } from "./json-patch.ts";
import type { PodTemplate } from "./pod.ts";
import type { InjectionNamespace, NotInjected } from "./policy.ts";
import { requestOf, reviewWith, warningOf } from "./review.ts";
import type { InjectionMesh, InjectionOptions, ProxyConfigs } from "./settings.ts";

export interface AdmissionSettings {
  /** By its name; undefined where nobody knows it: then it has no labels. */
  readonly namespace: (name: string) => InjectionNamespace | undefined;
  readonly mesh: InjectionMesh;
  readonly proxyConfigs?: ProxyConfigs;
  readonly options: InjectionOptions;
}

export interface Admitted {
  /** `admission.k8s.io/v1`, ready to send. */
  readonly review: object;
  readonly because?: NotInjected;
  readonly findings: readonly Finding[];
}

/**
 * Undefined where the value is no review of a request, which is to be answered with 400. A pod that cannot be injected as it asks
 * is refused, so that whoever made it is told; nothing else ever is.
 */
export function admit(value: unknown, settings: AdmissionSettings): Admitted | undefined {
  const request = requestOf(value);
  if (request === undefined) return undefined;
  const { uid, object, kind } = request;
  const pod = object as PodTemplate | undefined;
  if (kind?.kind !== "Pod" || typeof pod !== "object" || pod === null)
    return { review: reviewWith({ uid, allowed: true }), findings: [] };
  // A pod that is only being made may not say its namespace.
  const name = request.namespace ?? pod.metadata?.namespace ?? "default";
  const made = inject(
    {
      pod,
      namespace: settings.namespace(name) ?? { name },
      mesh: settings.mesh,
      ...(settings.proxyConfigs ? { proxyConfigs: settings.proxyConfigs } : {}),
    },
    settings.options,
  );
  const { findings } = made;
  const warnings = findings
    .filter(({ level }) => level === "Warning")
    .map(({ code, message }) => warningOf(`${code} ${message}`));
  const told = warnings.length > 0 ? { warnings } : {};
  if (made.injected) {
    const patch = encoded(difference(pod, made.pod));
    const review = reviewWith({ uid, allowed: true, patchType: "JSONPatch", patch, ...told });
    return { review, findings };
  }
  const { because } = made;
  if (because !== "invalid")
    return { review: reviewWith({ uid, allowed: true, ...told }), because, findings };
  const errors = findings.filter(({ level }) => level === "Error");
  const message = errors.map(
    ({ code, message: text, remedy = "" }) => `${code} ${text}. ${remedy}`,
  );
  const status = { code: 400, reason: "BadRequest", message: `heddle: ${message.join(" ")}` };
  return { review: reviewWith({ uid, allowed: false, status, ...told }), because, findings };
}

/** Base64 of the JSON's UTF-8. */
function encoded(patch: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(patch));
  return btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(""));
}
