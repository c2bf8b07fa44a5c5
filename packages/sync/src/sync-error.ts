/** What can go wrong on the agent link, each with a stable code and what to do about it. */

export const syncCodes = {
  HDL7001: "A frame is larger than the limit; send its content as a bundle or in parts.",
  HDL7002: "A frame is not one of the protocol's; upgrade the older side.",
  HDL7003: "No protocol version that both sides speak; upgrade the older side.",
  HDL7004:
    "The signature is not the pinned key's; check that the agent is enrolled in this plane and mesh, and enroll it again if the plane was replaced.",
  HDL7005:
    "The bundle's bytes do not match their hash; the agent fetches it again. Look for a proxy or cache between agent and plane.",
  HDL7006: "The state after the bundle is not the signed one; the agent asks for a snapshot.",
  HDL7007:
    "The revision is older than the one in force; numbers never go backwards. The plane may have been restored from a backup: apply once more to get past it.",
  HDL7008:
    "The revision needs a feature that this agent lacks; upgrade the agent. It keeps the last revision it understood.",
  HDL7009: "The revision is of another mesh; check the agent's token.",
  HDL7010: "The bundle could not be fetched; the agent tries again.",
  HDL7011:
    "The token is not valid for this mesh; enroll the agent again, with a token of `heddle mesh join-token`.",
  HDL7012:
    "The join token is unknown, used or expired; make a new one with `heddle mesh join-token`.",
  HDL7013: "The bundle is unknown or was pruned; ask for a snapshot.",
  HDL7014: "The socket was silent for too long; the agent connects again.",
  HDL7015:
    "The plane's history differs from what was applied here (a restored backup?); the agent moves on by a snapshot of a newer number.",
  HDL7017:
    'A cluster shares more than the limit; what is more is left out. Keep services to their cluster with the annotation `networking.istio.io/exportTo: "~"`, or divide the mesh.',
  HDL7018:
    "More clusters than one mesh can have; this one's services are not shared. Divide the mesh.",
} as const;
export type SyncCode = keyof typeof syncCodes;

/** A failure on the agent link. `message` says what and where; the remedy goes with the code. */
export class SyncError extends Error {
  readonly code: SyncCode;
  constructor(code: SyncCode, message: string) {
    super(message);
    this.name = "SyncError";
    this.code = code;
  }
  get remedy(): string {
    return syncCodes[this.code];
  }
}
