/** Failures of the agent that a user can do something about, each with a stable code. */

export const agentCodes = {
  HDL7201:
    "Give both --plane and --token or --token-file (`heddle mesh join-token` makes one), or --standalone.",
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
  HDL7230:
    "Give --kubeconfig a kubeconfig file that can be read, and --context one of its contexts; or run the agent in a pod of the cluster.",
  HDL7231:
    "Let the agent's account list and watch the kind that the message names, as infra/kubernetes/agent-rbac.yaml has it. The others go on meanwhile.",
  HDL7232:
    "Check that the API server runs and that the agent's machine reaches it. What it said last stays in force, and the agent tries on.",
  HDL7233:
    "Correct the object. What it was before its errors stays in force; an agent that starts anew does without it, and refuses what a policy is for.",
  HDL7234:
    "The reason in the message is the API server's own; its log has more. The other kinds go on meanwhile.",
  HDL7235: "Install the custom resource definitions of a version that the message names.",
  HDL7260:
    "The message is the API server's: give the agent the right, or correct what it refuses. It is tried again.",
  HDL7261:
    "Rename the Gateway, or what is made for it by the annotation gateway.istio.io/name-override; or delete what stands in the way.",
  HDL7262:
    "Let the agent's account make, read, update and delete WorkloadEntries, as infra/kubernetes/agent-rbac.yaml has it, or correct what the message names. It is tried again; the machine is no endpoint until then.",
  HDL7270:
    "Let the agent's account make, read and update the Lease in its own namespace, as infra/kubernetes/agent-rbac.yaml has it; where the API server is away, the agent tries on.",
  HDL7271:
    "The message names the work and why it failed; it is begun again every five seconds for as long as the agent leads.",
  HDL7272:
    "Let the agent's account patch the status of the kind, as infra/kubernetes/agent-rbac.yaml has it, or install definitions that have one. Rules are in effect without it.",
  HDL7273:
    "Let the agent's account make, read, update and delete Secrets in its own namespace, as infra/kubernetes/agent-rbac.yaml has it; where the API server is away, the agent tries on. The state on the pod's disk is in force.",
  HDL7280:
    "Run the agent in a pod that has its own name and namespace in POD_NAME and POD_NAMESPACE, with --kubernetes; or leave --webhook out.",
  HDL7281:
    "Only an API server asks here, with an AdmissionReview of admission.k8s.io/v1. Where one was not answered, the message says why.",
  HDL7282:
    "Correct the settings in the ConfigMap heddle-injection; the last good ones count until then.",
  HDL7283:
    "Let the agent's account make, read and update the Secret that the message names, as infra/kubernetes/agent-rbac.yaml has it; where the API server is away, the agent tries on.",
  HDL7284:
    "Let the agent's account list, watch and patch the configurations heddle-injector and heddle-validator, and try out a Fallback in its own namespace, as infra/kubernetes/agent-rbac.yaml has it.",
  HDL7285:
    "Let the API server reach the agent's Service on port 443: a network policy or a firewall may be between them. Rules are refused again as soon as it does.",
  HDL7300:
    "The message says why: the plane may be away. What was in force stays so, and it is tried again; a rotation of the root waits for this agent meanwhile.",
  HDL7301:
    "It is asked for again by itself. Where that goes on, compare the plane's authorities (`heddle ca show`) with those that the agent's log names.",
  HDL7236: "Keep one of the two: delete the object in the cluster, or in the file.",
  HDL7256:
    "Give --kubernetes (or --kubeconfig) with --xds-tls, so that the tokens of proxies can be checked; or serve with --xds, which believes them.",
  HDL7310:
    "Correct the OpenAPI document that the message names: its schemas cannot be compiled. Until then its requests go by onFailure.",
  HDL7311:
    "Look at the patterns of the OpenAPI document, and at arrays of uniqueItems: a check took too long, and the request went by onFailure.",
  HDL9110:
    "Bring the agent back in touch with its plane: `heddle ca show` answers where the plane does, and the agent's log says why it could not renew. Certificates are renewed by themselves then.",
  HDL9111:
    "Connections with these certificates fail. Bring the agent back in touch with its plane, and they are issued anew by themselves; their log lines say why they were not.",
  HDL9112:
    "The plane signs each certificate here, and is away, or refuses: the agent's log says why. Proxies that were connected before go on with what they have until it ends; new ones wait.",
  HDL9113:
    "Leave --certificate-issuer out (or HEDDLE_CERTIFICATE_ISSUER): the agent signs; or give it a plane, with --plane and a token.",
} as const;
export type AgentCode = keyof typeof agentCodes;

/** What was asked for makes no sense, whatever the state of the world. */
const USAGE: ReadonlySet<AgentCode> = new Set([
  "HDL7201",
  "HDL7202",
  "HDL7203",
  "HDL7215",
  "HDL7216",
  "HDL7230",
  "HDL7256",
  "HDL7280",
  "HDL9113",
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
