/** Options of a listener's TLS that the Gateway API leaves to implementations: those that Istio reads. */
import type * as GatewayApi from "../kinds/gateway-api/index.ts";

const TERMINATE_MODE = "gateway.istio.io/tls-terminate-mode";
const CIPHER_SUITES = "gateway.istio.io/tls-cipher-suites";

export const TLS_OPTIONS: readonly string[] = [TERMINATE_MODE, CIPHER_SUITES];

const MODES = ["SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL", "ISTIO_MUTUAL"] as const;

export interface TlsOptions {
  /** Who is asked for a certificate: nobody, everybody, whoever has one; workloads of the mesh, by the mesh's own. */
  readonly mode: (typeof MODES)[number];
  /** For versions up to 1.2; Envoy's own where it is empty. */
  readonly cipherSuites: readonly string[];
}

export function tlsOptionsOf({ tls }: Pick<GatewayApi.Listener, "tls">): TlsOptions {
  const { [TERMINATE_MODE]: mode = "SIMPLE", [CIPHER_SUITES]: suites = "" } = tls?.options ?? {};
  return {
    mode: MODES.find((each) => each === mode) ?? "SIMPLE",
    cipherSuites: suites
      .split(",")
      .map((suite) => suite.trim())
      .filter(Boolean),
  };
}

/** What is wrong with the options' values; undefined where nothing is. */
export function tlsOptionsProblem({ tls }: Pick<GatewayApi.Listener, "tls">): string | undefined {
  const mode = tls?.options?.[TERMINATE_MODE];
  if (mode === undefined || MODES.some((each) => each === mode)) return undefined;
  return `${TERMINATE_MODE} has no value ${mode}: ${MODES.join(", ")} are known`;
}
