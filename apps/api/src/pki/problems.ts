/** Failures of identity and certificates as the API's problems. */
import { pkiCodes, PkiError, type PkiCode } from "@heddle/pki";
import type { ProblemKind } from "../http/codes.ts";
import { ProblemError } from "../http/problem.ts";

const answers: Record<PkiCode, { status: number; title: string }> = {
  HDL7101: { status: 400, title: "The certificate request is not sound" },
  HDL7102: { status: 400, title: "The key is of another kind" },
  HDL7103: { status: 403, title: "The identity is not this mesh's" },
  HDL7104: { status: 500, title: "A sealed key cannot be opened" },
  HDL7105: { status: 503, title: "The certificate authority has expired" },
  HDL7106: { status: 400, title: "The lifetime is out of bounds" },
  HDL7107: { status: 500, title: "The envelope key is not usable" },
  HDL7108: { status: 400, title: "The DNS names cannot be certified" },
  HDL7109: { status: 500, title: "The certificate is no X.509-SVID" },
  HDL7110: { status: 400, title: "Names of that kind are not certified" },
  HDL7111: { status: 403, title: "The name is another's" },
  HDL7113: { status: 422, title: "These are no chain of certificates" },
  HDL7114: { status: 422, title: "The chain is out of order" },
  HDL7115: { status: 422, title: "The certificate is for another key" },
  HDL7116: { status: 422, title: "The certificate is no authority's" },
  HDL7117: { status: 422, title: "The path length is too short" },
  HDL7118: { status: 422, title: "The certificate is not valid for long enough" },
  HDL7119: { status: 422, title: "The certificate is not for this trust domain" },
  HDL7120: { status: 422, title: "The certificate is signed too weakly" },
  HDL7121: { status: 422, title: "The certificate has an extension that proxies refuse" },
  HDL9120: { status: 503, title: "The key service cannot be reached" },
  HDL9121: { status: 503, title: "The key service refuses" },
  HDL9122: { status: 500, title: "A key is sealed under another envelope key" },
  HDL7122: { status: 422, title: "This is no trust bundle" },
  HDL7123: { status: 422, title: "A certificate of the bundle is no authority's" },
  HDL7124: { status: 422, title: "The bundle is another trust domain's" },
  HDL7125: { status: 422, title: "The bundle has no root that is valid now" },
};

export const pkiProblemKinds = Object.fromEntries(
  Object.entries(answers).map(([code, answer]) => [
    code,
    { ...answer, remedy: pkiCodes[code as PkiCode] },
  ]),
) as Record<PkiCode, ProblemKind>;

export const pkiProblem = (error: PkiError): ProblemError =>
  new ProblemError(error.code, pkiProblemKinds[error.code], error.message, { cause: error });

/** Runs `work`; what fails in `@heddle/pki` is thrown as a problem with the same code. */
export async function withPkiProblems<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof PkiError ? pkiProblem(error) : error;
  }
}
