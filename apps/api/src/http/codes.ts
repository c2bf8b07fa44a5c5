/** Every problem that the API answers with: its code, HTTP status, title and what to do about it. Codes never change their meaning. */

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
}

const kind = (status: number, title: string, remedy: string): ProblemKind => ({
  status,
  title,
  remedy,
});

export const problemKinds = {
  HDL1000: kind(500, "The plane failed", "Try again; if it happens again, report the request id."),
  HDL1001: kind(404, "No such path", "See /v1/openapi.json for the paths there are."),
  HDL1002: kind(405, "Method not allowed", "Use one of the methods in the Allow header."),
  HDL1003: kind(400, "The body is not JSON", "Send one valid JSON document as application/json."),
  HDL1004: kind(
    400,
    "The request is not as the API describes it",
    "Correct the fields that the diagnostics name; /v1/openapi.json has their shapes.",
  ),
  HDL1005: kind(
    413,
    "The body is too large",
    "Split the files over several applies, or drop what the mesh does not need.",
  ),
  HDL1006: kind(415, "Unsupported content type", "Send application/json."),
  HDL1010: kind(401, "No token", "Send `Authorization: Bearer <token>`."),
  HDL1011: kind(
    401,
    "The token is not valid",
    "Check that it was copied whole; create another with `heddle token create NAME` (`POST /v1/tokens`).",
  ),
  HDL1012: kind(
    401,
    "The token has expired",
    "Create another with `heddle token create NAME` (`POST /v1/tokens`).",
  ),
  HDL1013: kind(
    401,
    "The token was revoked",
    "Create another with `heddle token create NAME` (`POST /v1/tokens`).",
  ),
  HDL1014: kind(
    403,
    "The token lacks a scope",
    "Use a token with the scope that the detail names.",
  ),
  HDL1015: kind(
    403,
    "The token is for one mesh only",
    "Use a token that is not restricted to a mesh.",
  ),
  HDL1020: kind(
    404,
    "No such mesh",
    "`heddle mesh list` (`GET /v1/meshes`) lists those that the token opens.",
  ),
  HDL1021: kind(404, "No such object", "`heddle get -A` (`GET …/objects`) lists those there are."),
  HDL1022: kind(
    404,
    "No such revision",
    "`heddle history` (`GET …/revisions`) lists those there are.",
  ),
  HDL1023: kind(
    404,
    "No such token",
    "`heddle token list` (`GET /v1/tokens`) lists those there are.",
  ),
  HDL1024: kind(409, "The name is taken", "Choose another name."),
  HDL1025: kind(400, "The cursor is not valid", "Start again without a cursor."),
  HDL1030: kind(
    409,
    "Somebody else owns the object",
    "Change it where it is owned: with kubectl in that cluster, or delete it there first.",
  ),
  HDL1031: kind(
    409,
    "The mesh has a newer revision",
    "Read the newest revision, see whether the change still holds, and send it again with its number.",
  ),
  HDL1032: kind(
    412,
    "The object has changed",
    "Read the object again and send its ETag in If-Match.",
  ),
  HDL1033: kind(
    409,
    "The idempotency key was used for another request",
    "Use a new key for each new request.",
  ),
  HDL1040: kind(
    422,
    "The configuration is refused",
    "Correct what the diagnostics name and apply again.",
  ),
  HDL1041: kind(
    422,
    "The body does not belong to the address",
    "Let apiVersion, kind, namespace and name agree with the path.",
  ),
  HDL1042: kind(400, "There is nothing to apply", "Send files, objects, or keys to delete."),
  HDL1043: kind(422, "An object stands twice in the request", "Keep one of the two."),
  HDL1044: kind(
    422,
    "A Secret is not kept by the plane",
    "Keep it in the cluster, with kubectl: agents read it there and never send it up.",
  ),
  HDL1045: kind(
    422,
    "A text holds what the database cannot store",
    "Remove NUL characters and halves of surrogate pairs.",
  ),
  HDL1046: kind(413, "Too many objects in one request", "Split them over several applies."),
  HDL1047: kind(
    413,
    "A document is too large",
    "Split it: a list into documents of one object each, an object into several.",
  ),
  HDL1048: kind(
    422,
    "The settings of a mesh cannot be deleted",
    "Change them: heddle mesh set, or apply a MeshSettings with what they shall be.",
  ),
  HDL1050: kind(
    503,
    "The database is not reachable",
    "Try again; check DATABASE_URL and the database itself.",
  ),
  HDL1051: kind(
    507,
    "The disk is full",
    "Free space on the disk that holds the data directory. Nothing was changed; telemetry that was refused waits at the agents, which send it again.",
  ),
  HDL1052: kind(
    501,
    "Not available here",
    "Use a plane that has this part; the detail says which.",
  ),
  HDL1070: kind(
    409,
    "A rotation of the root is under way",
    "Wait until it is over, or turn it around: `heddle ca rotate status`, `heddle ca rotate abort`.",
  ),
  HDL1071: kind(
    409,
    "No rotation of the root is under way",
    "Begin one: `heddle ca rotate start`, or `heddle ca import` for a root of your own.",
  ),
  HDL1072: kind(
    409,
    "Not everybody has followed the step",
    "`heddle ca rotate status` names who has not, and why. `heddle ca rotate advance --force` goes on without them: their connections may fail until they have followed.",
  ),
  HDL1073: kind(
    404,
    "No request waits for a signature",
    "Make one with `heddle ca csr`, sign it, and send what was signed for it.",
  ),
  HDL1074: kind(
    403,
    "The agent may not have that certificate",
    "It joined for some namespaces alone: let it ask for their identities, with `--certificate-issuer plane`; or let it join anew with a token without `--namespaces`.",
  ),
  HDL1075: kind(
    403,
    "The workload was revoked",
    "Nobody is issued a certificate for it. `heddle ca revocations` has when and why; `heddle ca reinstate ID` lets it in again.",
  ),
  HDL1076: kind(404, "No such agent", "`heddle mesh agents` lists those there are."),
  HDL1077: kind(
    404,
    "No such revocation",
    "`heddle ca revocations` lists those there are. That of an agent is not lifted: let it join again with a new token.",
  ),
  HDL1078: kind(
    409,
    "An urgent rotation is not turned around",
    "It leaves a root behind from which somebody who was revoked has certificates; it is over within seconds.",
  ),
  HDL1079: kind(
    409,
    "A mesh does not federate with itself",
    "Name another trust domain than the mesh's own, its aliases and cluster.local, which policies call the mesh's own. Two meshes that are called alike cannot federate: one has to be made anew under a name of its own.",
  ),
  HDL1080: kind(404, "No such federation", "`heddle ca federations` lists those there are."),
  HDL1081: kind(
    404,
    "No such trust bundle",
    "Ask whoever runs the mesh for the address that `heddle ca federations` prints; a mesh has a root once it has issued something.",
  ),
  HDL1082: kind(
    429,
    "Too many trust bundles at once",
    "Ask again after the seconds in the Retry-After header; spiffe_refresh_hint says how often there may be anything new.",
  ),
  HDL1083: kind(
    409,
    "Too many federations",
    "Take one back with `heddle ca unfederate`: the roots of all are pushed to every proxy.",
  ),
  HDL1084: kind(
    422,
    "The endpoint is of another trust domain",
    "Name the SPIFFE id that the bundle endpoint shows, such as spiffe://partner.example/spire/server. An endpoint that another trust domain vouches for is not followed.",
  ),
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof problemKinds;

/** What keeps a plane from starting. */
export const startKinds = {
  HDL1060: {
    title: "The data directory is in use",
    remedy:
      "One data directory serves one plane: stop the process that the message names, or choose another directory with --data.",
  },
  HDL1061: {
    title: "The database's migrations are not this version's",
    remedy:
      "Start the version that used the database last, or restore the migration's file as it was.",
  },
  HDL1062: {
    title: "The port is in use",
    remedy: "End the program that holds it, or choose another with --port.",
  },
  HDL1063: {
    title: "The address cannot be listened on",
    remedy:
      "Choose an address of this machine with --host, and a port above 1023 where you are not root.",
  },
  HDL1064: {
    title: "The database does not let us in",
    remedy: "Check DATABASE_URL, and that the database runs.",
  },
  HDL1065: {
    title: "The envelope key is none",
    remedy:
      "Make one with `openssl rand -base64 32` and keep it: what it wrapped cannot be read without it.",
  },
  HDL1066: {
    title: "The data directory cannot be written",
    remedy: "Choose another directory with --data, or give this user the right to write there.",
  },
  HDL1067: {
    title: "A Worker has no database",
    remedy:
      "Set DATABASE_URL with `wrangler secret put DATABASE_URL`, or bind Hyperdrive as HYPERDRIVE.",
  },
  HDL9123: {
    title: "The settings of the key service are wrong",
    remedy: "Correct the variables HEDDLE_KMS_…, as the message says.",
  },
} as const;
