/** Which path and which words a message has to have to name the same cause as one of Istio or of Kubernetes. */

export interface Cause {
  readonly path?: RegExp;
  readonly words: readonly RegExp[];
}

/** Causes that Istio gives in words of its own. A document of ours may write `path: word, word` instead. */
const IN_WORDS: readonly (readonly [istio: RegExp, ours: Cause])[] = [
  [
    /^Cannot set serviceAccounts with namespaces or principals/,
    { words: [/serviceAccounts with namespaces or principals/] },
  ],
  [
    /only support waypointMatch when context is WAYPOINT/,
    { path: /match\.waypoint$/, words: [/only when context is WAYPOINT|context WAYPOINT/] },
  ],
  [/^type conversion error from/, { path: /^spec\.portLevelMtls/, words: [/not a port/] }],
  [
    /^port must be between 1-65535/,
    { path: /[pP]ort|ports\[/, words: [/not in the range 1 to 65535|not a port|above 65535/] },
  ],
  [/^portLevelMtls requires selector/, { words: [/portLevelMtls needs a selector/] }],
  [
    /^only one of targetRefs or (?:selector|workloadSelector) can be set/,
    { path: /^spec\.targetRefs?$/, words: [/only one of targetRefs and \w*[sS]elector/] },
  ],
  [
    /^cross namespace referencing/,
    { path: /\.namespace$/, words: [/cross-namespace references are not supported/] },
  ],
  [/^url must have scheme/, { path: /jwksUri$/, words: [/must be a url of scheme http/] }],
  [/^only one of jwks or jwksUri/, { path: /jwks/, words: [/only one of jwks and jwksUri/] }],
  [/^must be a valid duration greater than/, { words: [/is not a duration of at least 1ms/] }],
  [
    /^url must have schema one of/,
    { path: /\.url$/, words: [/scheme/, /http, https, file (?:or|and) oci/] },
  ],
  [
    /^value may only be set when valueFrom is INLINE/,
    { path: /env\[\d+\]\.value$/, words: [/only when valueFrom is INLINE/] },
  ],
  [
    /^value must be set when operation is UPSERT/,
    { path: /\.value$/, words: [/must be set when operation is UPSERT/] },
  ],
  [
    /^value must not be set when operation is REMOVE/,
    { path: /\.value$/, words: [/must not be set when operation is REMOVE/] },
  ],
  [
    /^wildcard not allowed in label (key|value) match/,
    { path: /matchLabels/, words: [/wildcard in a label's (?:key|value)/] },
  ],
  [/^key must not be empty/, { path: /matchLabels/, words: [/key is empty/] }],
  [
    /^wildcard is not supported in selector/,
    { path: /\.labels/, words: [/wildcard in a label's (?:key|value)/] },
  ],
  [
    /^only one of WorkloadSelector or Endpoints can be set/,
    { words: [/workloadSelector/, /endpoints/] },
  ],
  [/^hostname cannot be wildcard/, { path: /hosts\[/, words: [/\*/] }],
  [
    /^CIDR addresses are allowed only for NONE\/STATIC/,
    { path: /addresses/, words: [/NONE/, /STATIC/] },
  ],
  [/^port number cannot be duplicated/, { path: /ports\[/, words: [/twice/] }],
  [/^Address is required/, { words: [/address is required/] }],
  [/^port name must be valid/, { path: /ports/, words: [/cannot name a port/] }],
  [
    /^DNS_ROUND_ROBIN mode cannot have multiple endpoints/,
    { path: /endpoints/, words: [/DNS_ROUND_ROBIN/, /endpoint/] },
  ],
  [/^scheme must be one of/, { path: /scheme$/, words: [/HTTP, HTTPS/] }],
  [/^exactly one of wasm or lua/, { words: [/exactly one of wasm and lua/] }],
  [/^only one of credential/, { path: /tls$/, words: [/several places/] }],
  [/^NONE mode cannot set endpoints/, { path: /endpoints/, words: [/NONE/, /endpoints/] }],
  [/^UDS may not be a dir/, { path: /address/, words: [/directory/] }],
  [
    /^UDS must be an absolute path or abstract socket/,
    { path: /address/, words: [/absolute path/, /abstract/] },
  ],
  [/^UDS may not include ports/, { path: /ports/, words: [/Unix socket/, /ports/] }],
];

/** Causes that Kubernetes' schemas give, each with the words that ours have for it. */
const BY_SCHEMA: readonly (readonly [kubernetes: RegExp, ours: RegExp])[] = [
  [/Required value/, /is required|is missing|has no/],
  [/should be at least 1 chars lon/, /is empty/],
  [/should have at least \d+ propert/, /names no|has no|is empty/],
  [/must be of type object/, /must be a mapping/],
  [/must be of type string/, /must be text|is required/],
  [/must be of type/, /must be/],
  [/should be greater than or equal to/, /is below/],
  [/should be less than or equal to/, /is above/],
  [
    /may not be more than|should be at most|Too long|Too many/,
    /more entries or characters than|at most/,
  ],
  [/should match/, /is not|cannot/],
  [/Unsupported value/, /cannot be/],
  [/Invalid value/, /./],
];

/** What a refusal has to say for a cause. @throws Error for causes that nobody has looked at. */
export function causeOf(reason: string): Cause {
  const inWords = IN_WORDS.find(([istio]) => istio.test(reason));
  if (inWords) return inWords[1];
  const schema = BY_SCHEMA.find(([kubernetes]) => kubernetes.test(reason));
  if (!schema) throw new Error(`no words for the cause "${reason}"`);
  const place = /^[\w.[\]]+(?=: | in body)/.exec(reason)?.[0];
  return { ...(place === undefined ? {} : { path: ending(place) }), words: [schema[1]] };
}

/** A path that ends in another, as Istio's tests name only the end of it. */
function ending(place: string): RegExp {
  return new RegExp(`(?:^|\\.)${place.replaceAll(/[.[\]]/g, "\\$&")}$`);
}
