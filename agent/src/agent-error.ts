/** Failures of the agent that a user can do something about, each with a stable code. */

export const agentCodes = {
  HDL7201: "Give both --plane and --token (`heddle mesh join-token` makes one), or --standalone.",
  HDL7202: "Give a duration such as 24h, 30m or 30s.",
  HDL7203: "Give host:port, such as 127.0.0.1:15010.",
  HDL7204: "End the program that holds the address, or choose another.",
  HDL7205: "Create the directory, or give --state another that can be written.",
  HDL7206: "Make a new join token with `heddle mesh join-token`, and start the agent with it.",
  HDL7210:
    "Keep one of the two: delete the object in the cluster, or with `heddle delete` in the plane.",
  HDL7211: "Correct the file; its last good objects stay in force until then.",
  HDL7212:
    "Free space on the disk of --state. The agent goes on, but would start from an older state.",
  HDL7213:
    "Upgrade the agent: the plane took an object that this version cannot read. Its last good value stays in force.",
  HDL7214: "Another agent uses this state directory; end it, or give --state another directory.",
  HDL7215: "Give one of the values that the message names.",
  HDL7216: "Give --rate-limit-self the address by which --rate-limit-agents names this agent.",
  HDL7220:
    "Correct what Envoy's message names and apply the object again; it is tried as soon as it changes.",
} as const;
export type AgentCode = keyof typeof agentCodes;

/** What was asked for makes no sense, whatever the state of the world. */
const USAGE: ReadonlySet<AgentCode> = new Set([
  "HDL7201",
  "HDL7202",
  "HDL7203",
  "HDL7215",
  "HDL7216",
]);

export class AgentError extends Error {
  readonly code: AgentCode;
  constructor(code: AgentCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "AgentError";
    this.code = code;
  }
  /** 2 where the agent was used wrongly, else 1. */
  get exitCode(): 1 | 2 {
    return USAGE.has(this.code) ? 2 : 1;
  }
  /** What to do about it. */
  get remedy(): string {
    return agentCodes[this.code];
  }
}
