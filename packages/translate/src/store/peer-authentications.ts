/** Whether a workload's ports take plaintext, mutual TLS or both, as PeerAuthentication has it. */
import {
  type DecidedMode,
  modeOfPort,
  type MutualTlsModes,
  mutualTlsModes,
  type PeerAuthentication,
} from "@heddle/model";
import type { Claims } from "../engine/claims.ts";
import { InNamespace } from "./in-namespace.ts";

export class PeerAuthentications extends InNamespace<PeerAuthentication> {
  readonly #rootNamespace: string;

  constructor(claims: Claims, rootNamespace: string) {
    super(claims, "security.istio.io/PeerAuthentication");
    this.#rootNamespace = rootNamespace;
  }

  /** The mode of one port of a workload, the port that it listens on itself, and the policy that says so. */
  decide(namespace: string, labels: Readonly<Record<string, string>>, port: number): DecidedMode {
    return modeOfPort(this.#modes(namespace, labels), port);
  }

  /** Ports that have a mode of their own, ascending. */
  portsOf(namespace: string, labels: Readonly<Record<string, string>>): readonly number[] {
    return [...this.#modes(namespace, labels).ports.keys()].toSorted((a, b) => a - b);
  }

  #modes(namespace: string, labels: Readonly<Record<string, string>>): MutualTlsModes {
    const rootNamespace = this.#rootNamespace;
    const policies = [
      ...this.read(rootNamespace),
      ...(namespace === rootNamespace ? [] : this.read(namespace)),
    ];
    return mutualTlsModes(policies, { namespace, labels, rootNamespace });
  }
}
