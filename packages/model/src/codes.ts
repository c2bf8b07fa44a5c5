/** Codes of what reading a configuration may find; each has a page in docs/codes, made from this table. */
import type { Level } from "./diagnostic.ts";

export interface CodeEntry {
  /** The level where a finding does not say otherwise. */
  readonly level: Level;
  /** What is found, in a few words. */
  readonly title: string;
  readonly why: string;
  /** A piece of configuration that has it, or the message as it is seen. */
  readonly example: string;
  readonly remedy: string;
}

export const modelCodes: Readonly<Record<string, CodeEntry>> = {
  HDL0001: {
    level: "Error",
    title: "A document is too large",
    why: "Documents of more than 10 MiB are refused unread, so that one input cannot stop the plane.",
    example: "all.yaml has 12582912 bytes (10485760 at most)",
    remedy: "Split the file, and apply the parts one after the other.",
  },
  HDL0002: {
    level: "Error",
    title: "A document is not YAML or JSON",
    why: "The text cannot be read at the line and column that the message names.",
    example: "spec:\n\thosts: [reviews]   # a tab cannot indent",
    remedy: "Mend the place that the message names. YAML indents with spaces only.",
  },
  HDL0003: {
    level: "Error",
    title: "A key stands twice",
    why: "Of two equal keys in one mapping only one would count, and readers differ on which.",
    example: "spec:\n  hosts: [reviews]\n  hosts: [ratings]",
    remedy: "Keep one of them.",
  },
  HDL0004: {
    level: "Error",
    title: "A document expands too far",
    why: "Aliases that repeat other aliases, or very deep nesting, can make a small file fill the memory.",
    example: "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]   # and so on",
    remedy: "Write out what is meant.",
  },
  HDL0005: {
    level: "Error",
    title: "A document is not an object",
    why: "Configuration objects are mappings with apiVersion, kind and metadata.",
    example: "- just\n- a list",
    remedy: "Give an object, or a List with items.",
  },
  HDL0006: {
    level: "Error",
    title: "apiVersion, kind or name is missing",
    why: "Without them nobody knows what the object is.",
    example: "kind: VirtualService\nmetadata: {name: reviews}",
    remedy: "Add what the message names, for example apiVersion: networking.istio.io/v1.",
  },
  HDL0007: {
    level: "Error",
    title: "A kind is not known",
    why: "Heddle reads Istio's kinds and those of Kubernetes that a mesh depends on.",
    example: "apiVersion: networking.istio.io/v1\nkind: VirtualServices",
    remedy: "Use the kind that the message suggests.",
  },
  HDL0008: {
    level: "Error",
    title: "A kind has no such version",
    why: "The kind is known, but not in this version of its API.",
    example: "apiVersion: networking.istio.io/v2\nkind: VirtualService",
    remedy: "Use one of the versions that the message lists.",
  },
  HDL0009: {
    level: "Error",
    title: "A kind is known, but not yet in effect here",
    why: "Istio has this kind, Heddle does not translate it yet. Storing it would promise what does not happen.",
    example: "apiVersion: networking.istio.io/v1\nkind: Sidecar",
    remedy: "Leave the object out until a release translates it; the changelog says which.",
  },
  HDL0010: {
    level: "Error",
    title: "A field is not known",
    why: "An unknown field is almost always a slip, and would be ignored without a word.",
    example: "spec:\n  http:\n    - timout: 5s",
    remedy: "Use the field that the message suggests.",
  },
  HDL0011: {
    level: "Error",
    title: "A value is of the wrong type",
    why: "YAML turns some words into numbers and booleans: 1.0 is a number, true is a boolean.",
    example: "labels:\n  version: 1.0",
    remedy: 'Give the type that the message asks for; quote text that looks like a number: "1.0".',
  },
  HDL0012: {
    level: "Error",
    title: "A required field is missing",
    why: "The object means nothing without it.",
    example: "route:\n  - weight: 100   # no destination",
    remedy: "Add the field that the message names.",
  },
  HDL0013: {
    level: "Error",
    title: "A value is not one of those that are allowed",
    why: "The field takes a fixed set of words.",
    example: "loadBalancer:\n  simple: ROUND_ROBBIN",
    remedy: "Use one of the values that the message lists.",
  },
  HDL0014: {
    level: "Error",
    title: "A number is out of range",
    why: "Ports are 1 to 65535, weights are not negative, and so on.",
    example: "port:\n  number: 70000",
    remedy: "Give a number in the range that the message names.",
  },
  HDL0015: {
    level: "Error",
    title: "A duration cannot be read",
    why: "Durations are numbers with units. Time-outs are at least 1ms, in whole milliseconds.",
    example: "timeout: 5   # five what?",
    remedy: "Write it like 5s, 250ms or 1h30m.",
  },
  HDL0016: {
    level: "Warning",
    title: "A field is known, but not in effect in running proxies",
    why: "Istio has this field, and no running proxy follows it: Heddle does not translate it yet, Istio does not read it either, it is for waypoints, it takes effect where a proxy starts, or it names a receiver of telemetry that the agent stands in for. The message says which. Where ignoring it would send requests elsewhere or let in strangers, it is an error.",
    example: "spec:\n  verificationKey: LS0tLS1CRUdJTiBQVUJMSUMgS0VZ",
    remedy:
      "Do without the field until a release translates it; the changelog says which. A field of a proxy's start needs the proxy started anew.",
  },
  HDL0017: {
    level: "Error",
    title: "A name has a form that is not allowed",
    why: "Names of objects and subsets follow RFC 1123: lower-case letters, digits and hyphens. Labels follow Kubernetes.",
    example: "metadata:\n  name: Reviews_v2",
    remedy: "Use lower-case letters, digits and -, beginning and ending with a letter or digit.",
  },
  HDL0018: {
    level: "Error",
    title: "An object stands twice",
    why: "Of two objects with one key only one could count.",
    example: "two documents, both VirtualService default/reviews",
    remedy: "Keep one of them.",
  },
  HDL0019: {
    level: "Info",
    title: "A Kubernetes object is not part of the mesh",
    why: "Files often hold objects that a mesh does not read: roles, volumes, jobs. They are passed over.",
    example: "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role",
    remedy: "Nothing. Apply such objects with kubectl.",
  },
  HDL0020: {
    level: "Error",
    title: "A host is not a host name",
    why: "Hosts are DNS names; a wildcard may only be the first label. Sidecars cannot use the host *.",
    example: "hosts: [reviews_v2]",
    remedy: "Write the service's name, a full DNS name, or *.example.com.",
  },
  HDL0021: {
    level: "Error",
    title: "A regular expression cannot be used",
    why: "Envoy matches with RE2, which has no look-around and no references back, and Istio allows 1024 characters.",
    example: "uri:\n  regex: ^/(?!admin)",
    remedy: "Write it in RE2's syntax, or match with exact and prefix in routes of their own.",
  },
  HDL0022: {
    level: "Error",
    title: "Fields exclude each other",
    why: "Each says a different thing about the same point: a route cannot both forward and redirect.",
    example: "http:\n  - route: […]\n    redirect: {uri: /new}",
    remedy: "Keep one of the fields that the message names.",
  },
  HDL0023: {
    level: "Error",
    title: "Something has to be set and is empty",
    why: "A route without an action, a policy that sets nothing, a match without a value have no meaning.",
    example: "http:\n  - match: [{uri: {prefix: /}}]   # and no route",
    remedy: "Add what the message asks for, or leave the whole out.",
  },
  HDL0024: {
    level: "Error",
    title: "Weights sum to 0",
    why: "With several destinations of weight 0, none of them would get a request.",
    example: "route:\n  - destination: {host: a}\n  - destination: {host: b}",
    remedy: "Give at least one destination a weight above 0.",
  },
  HDL0025: {
    level: "Warning",
    title: "Weights do not sum to 100",
    why: "Weights are shares of their sum, as in Istio: 1 and 1 is half each. Where percentages were meant, another sum is a slip.",
    example:
      "route:\n  - destination: {host: a}\n    weight: 80\n  - destination: {host: b}\n    weight: 30",
    remedy: "Make them sum to 100 if percentages are meant; otherwise nothing.",
  },
  HDL0026: {
    level: "Error",
    title: "A header's name or value cannot be used",
    why: "Names are tokens of RFC 7230. In values Envoy reads %NAME% as a variable, so a plain percent sign is %%.",
    example: "headers:\n  request:\n    set: {x-share: 50%}",
    remedy: "Mend the name, or double the percent sign.",
  },
  HDL0027: {
    level: "Error",
    title: "A percentage is out of range",
    why: "Shares of requests are 0, or 0.0001 to 100.",
    example: "percentage: {value: 120}",
    remedy: "Give a number between 0 and 100.",
  },
  HDL0028: {
    level: "Error",
    title: "A status, condition or address is not one",
    why: "HTTP statuses are 200 to 599, redirects 300 to 399; conditions to retry on are Envoy's; addresses are IP addresses.",
    example: "retries:\n  attempts: 3\n  retryOn: 5xxx",
    remedy: "Give a value of the kind that the message names.",
  },
  HDL0029: {
    level: "Error",
    title: "Something stands twice in one object",
    why: "Subsets, hosts, port names and namespaces are referred to by name, so each may stand only once.",
    example: "subsets:\n  - name: v1\n  - name: v1",
    remedy: "Keep one of them, or rename the other.",
  },
  HDL0030: {
    level: "Error",
    title: "TLS settings do not fit together",
    why: "Each TLS mode needs certain certificates and cannot have others.",
    example: "tls:\n  mode: SIMPLE   # no credentialName",
    remedy: "Give what the message asks for; most gateways need mode SIMPLE with a credentialName.",
  },
  HDL0031: {
    level: "Warning",
    title: "A field is deprecated",
    why: "Istio has replaced it, and may take it away.",
    example: "mirrorPercent: 50",
    remedy: "Use the field that the message names.",
  },
  HDL0032: {
    level: "Warning",
    title: "A setting has no effect",
    why: "Without something else beside it, the setting does nothing. Where Istio refuses it, it is an error.",
    example: "retries:\n  attempts: 0\n  retryOn: 5xx",
    remedy: "Add what is missing, or leave the setting out.",
  },
  HDL0033: {
    level: "Error",
    title: "exportTo names something else than namespaces",
    why: "An object is visible to everyone (*), to its own namespace (.), or to named namespaces.",
    example: 'exportTo: ["*", "other"]',
    remedy: "Give * alone, or . and names of namespaces.",
  },
  HDL0034: {
    level: "Error",
    title: "Load balancing by locality is set up wrongly",
    why: "Weights of localities sum to 100, localities do not overlap, failover is between regions.",
    example: 'distribute:\n  - from: eu/*\n    to: {"eu/*": 70, "us/*": 20}',
    remedy: "Mend the place that the message names.",
  },
  HDL0035: {
    level: "Error",
    title: "Mutual TLS by port needs a selector",
    why: "portLevelMtls speaks of a workload's own ports, so it must say which workload.",
    example: 'kind: PeerAuthentication\nspec:\n  portLevelMtls: {"80": {mode: DISABLE}}',
    remedy: "Add selector.matchLabels.",
  },
  HDL0036: {
    level: "Error",
    title: "A text is not in the form that its field needs",
    why: "Checksums, kinds, API groups and the like have a fixed form.",
    example: "sha256: foo",
    remedy: "Write it in the form that the message names.",
  },
  HDL0037: {
    level: "Error",
    title: "An expression cannot be read",
    why: "Filters of access logs are expressions of CEL, the Common Expression Language.",
    example: 'filter:\n  expression: "response.code = 500"   # == compares',
    remedy: "Mend it at the column that the message names.",
  },
  HDL0038: {
    level: "Error",
    title: "An annotation cannot stand here",
    why: "Some annotations are Istio's own, and a dry run is there for policies that allow or deny only.",
    example: 'kind: VirtualService\nmetadata:\n  annotations:\n    istio.io/dry-run: "true"',
    remedy: "Take the annotation out.",
  },
  HDL0040: {
    level: "Error",
    title: "An extension provider cannot be asked",
    why: "A server that authorization policies name is a service of the mesh, and what it is told and answers is in the forms that Envoy has for that: statuses that it knows, paths from /, headers by name, prefix or suffix.",
    example:
      "extensionProviders:\n  - name: auth\n    envoyExtAuthzHttp: {service: ns/auth.ns.svc.cluster.local, port: 80, pathPrefix: check}",
    remedy: "Change the field as the message says.",
  },
  HDL0050: {
    level: "Error",
    title: "A header of what a token says is where a token is looked for",
    why: "Headers that claims or the payload are written to are taken off every request first, so that no caller can forge them; a token in one of them would be taken off with it.",
    example:
      "jwtRules:\n  - issuer: https://issuer.example.com\n    fromHeaders: [{name: x-token}]\n    outputPayloadToHeader: x-token",
    remedy: "Write to another header.",
  },
  HDL0051: {
    level: "Warning",
    title: "Tokens of two issuers are required in the same place",
    why: "Each rule that is REQUIRED wants a token of its own, and one place holds one token: every request is refused.",
    example:
      "jwtRules:\n  - {issuer: https://one.example.com, presence: REQUIRED}\n  - {issuer: https://two.example.com, presence: REQUIRED}",
    remedy: "Make one of them OPTIONAL, or look for them in different places.",
  },
  HDL0052: {
    level: "Warning",
    title: "Nothing says where an issuer's keys are",
    why: "Without jwks and jwksUri the issuer is asked for them, as OpenID Connect Discovery has it, and that takes an issuer that is a URL. Its tokens are refused.",
    example: "jwtRules:\n  - issuer: testing@example.com",
    remedy: "Add jwksUri, or the keys themselves as jwks.",
  },
  HDL0053: {
    level: "Warning",
    title: "A key is not one to check tokens with",
    why: "Tokens are signed with a private key that the issuer alone has, and checked with its public one: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519. Any other key is passed over, and a shared secret proves nothing to those who can read it.",
    example: 'jwks: \'{"keys": [{"kty": "EC", "crv": "secp256k1", "x": "…", "y": "…"}]}\'',
    remedy: "Give a public key of the issuer's that signatures are checked with.",
  },
  HDL0080: {
    level: "Error",
    title: "A rate limit cannot be kept",
    why: "A limit lets at least 1 request through, in windows that whoever counts can measure: local ones of 50 ms or more, global ones in whole seconds; its name is its own.",
    example:
      "kind: RateLimit\nspec:\n  limits: [{requests: 5, per: 1500ms, scope: GLOBAL}]   # 1.5 s",
    remedy: "Change the field as the message says.",
  },
  HDL0081: {
    level: "Error",
    title: "A number of an overload policy makes no sense",
    why: "It would let nothing through, or protect from nothing.",
    example: "kind: OverloadPolicy\nspec:\n  concurrency: {min: 10, max: 5}",
    remedy: "Change the number as the message says.",
  },
};
