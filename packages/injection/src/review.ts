/** The envelope in which an API server asks about an object, and takes the answer: AdmissionReview of `admission.k8s.io/v1`. */

export interface AdmissionRequest {
  readonly uid: string;
  readonly operation?: string;
  readonly namespace?: string;
  readonly kind?: { readonly kind?: string };
  readonly object?: unknown;
  readonly oldObject?: unknown;
}

export interface AdmissionResponse {
  readonly uid: string;
  readonly allowed: boolean;
  readonly status?: { readonly code: number; readonly reason: string; readonly message: string };
  readonly warnings?: readonly string[];
  readonly patchType?: "JSONPatch";
  /** Base64 of the patch's JSON. */
  readonly patch?: string;
}

/** The API server shortens longer warnings, and all of them together. Characters. */
const LONGEST_WARNING = 250;

/** Undefined where the value is no review of a request. */
export function requestOf(value: unknown): AdmissionRequest | undefined {
  const { kind, request } = (value ?? {}) as { kind?: unknown; request?: { uid?: unknown } };
  if (kind !== "AdmissionReview" || typeof request !== "object" || request === null)
    return undefined;
  return typeof request.uid === "string" ? (request as AdmissionRequest) : undefined;
}

export function reviewWith(response: AdmissionResponse): object {
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

/** A warning says whose it is. */
export function warningOf(text: string): string {
  const warning = `heddle: ${text}`;
  return warning.length > LONGEST_WARNING ? `${warning.slice(0, LONGEST_WARNING - 1)}…` : warning;
}
