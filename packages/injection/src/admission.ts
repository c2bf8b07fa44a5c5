/** The injection webhook without its server: an AdmissionReview of a pod in, the same with an answer out. */
import { inject } from "./inject.ts";
import type { Finding } from "./finding.ts";
import { difference } from "./json-patch.ts";
import type { PodTemplate } from "./pod.ts";
import type { InjectionNamespace, NotInjected } from "./policy.ts";
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

interface Request {
  readonly uid: string;
  readonly namespace?: string;
  readonly kind?: { readonly kind?: string };
  readonly object?: unknown;
}

/** The API server shortens longer ones, and all of them together. Characters. */
const LONGEST_WARNING = 250;

/**
 * Undefined where the value is no review of a request, which is to be answered with 400. A pod that cannot be injected as it asks
 * is refused, so that whoever made it is told; nothing else ever is.
 */
export function admit(value: unknown, settings: AdmissionSettings): Admitted | undefined {
  const request = requestIn(value);
  if (request === undefined) return undefined;
  const { uid, object, kind } = request;
  const pod = object as PodTemplate | undefined;
  if (kind?.kind !== "Pod" || typeof pod !== "object" || pod === null)
    return { review: answer({ uid, allowed: true }), findings: [] };
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
    .map(({ code, message }) => `heddle: ${code} ${message}`.slice(0, LONGEST_WARNING));
  const told = warnings.length > 0 ? { warnings } : {};
  if (made.injected) {
    const patch = encoded(difference(pod, made.pod));
    const review = answer({ uid, allowed: true, patchType: "JSONPatch", patch, ...told });
    return { review, findings };
  }
  const { because } = made;
  if (because !== "invalid")
    return { review: answer({ uid, allowed: true, ...told }), because, findings };
  const errors = findings.filter(({ level }) => level === "Error");
  const message = errors.map(
    ({ code, message: text, remedy = "" }) => `${code} ${text}. ${remedy}`,
  );
  const status = { code: 400, reason: "BadRequest", message: `heddle: ${message.join(" ")}` };
  return { review: answer({ uid, allowed: false, status, ...told }), because, findings };
}

function requestIn(value: unknown): Request | undefined {
  const { kind, request } = (value ?? {}) as { kind?: unknown; request?: Partial<Request> };
  if (kind !== "AdmissionReview" || typeof request !== "object" || request === null)
    return undefined;
  return typeof request.uid === "string" ? (request as Request) : undefined;
}

function answer(response: object): object {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

/** Base64 of the JSON's UTF-8. */
function encoded(patch: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(patch));
  return btoa(Array.from(bytes, (byte) => String.fromCodePoint(byte)).join(""));
}
