/** Finds secrets: credentials, tokens and keys. Each finder takes time in proportion to the text. */
import { globMatcher } from "@heddle/model";
import { namedValues } from "./named-values.ts";
import { matchesOf, type Range } from "./range.ts";

/** Names of attributes, parameters, fields and headers whose values are secrets. */
const SECRET_NAMES = [
  ...["*authorization", "*cookie", "*.cookie.*", "*password", "*passwd", "*passphrase", "*pwd"],
  ...["*secret", "*secret_key", "*secret-key", "*secretkey", "*token", "*credential"],
  ...["*credentials", "*api_key", "*api-key", "*apikey", "*access_key*", "*access-key*"],
  ...["*accesskey*", "*private_key", "*private-key", "*privatekey", "*session_id", "*session-id"],
  ...["*sessionid", "signature", "*-signature", "sig"],
];
export const isSecretName = globMatcher(SECRET_NAMES);

/** Headers: without quotes, all of the line is theirs. */
const isHeaderName = globMatcher(["*authorization", "*cookie", "x-*", "*-api-key", "*-token"]);

const SCHEME =
  /(?<![A-Za-z0-9])(?:(bearer)|basic)(?:\s|%20|\+){1,4}(?<value>[\w.~+/%-]{8,}={0,2})/dgi;
/** The greedy end is that of the password with an @ in it. */
const USER_INFO = /:\/\/[^\s/?#@:"'<>]{0,256}:([^\s/?#"'<>]{1,1024})@/dg;

export function* findCredentials(text: string): Generator<Range> {
  yield* namedValues(text, isSecretName, isHeaderName);
  for (const match of text.matchAll(SCHEME)) {
    const { value = "" } = match.groups ?? {};
    const found = match[1] === undefined ? isBasic(value) : isBearer(value);
    const [start, end] = match.indices!.groups!["value"]!;
    if (found) yield { start, end };
  }
  if (text.includes("://")) yield* matchesOf(USER_INFO, text);
}

/** Not a word of a sentence: `bearer certificates`. */
function isBearer(value: string): boolean {
  return value.length >= 20 || /[\d._~+/=%-]|[a-z][A-Z]/.test(value);
}

/** `user:password` in base64, of which the end may have been cut. */
function isBasic(value: string): boolean {
  const digits = value.replaceAll(/%3d/gi, "").replaceAll(/%2b/gi, "+").replaceAll(/%2f/gi, "/");
  const whole = digits.replace(/=+$/, "").slice(0, 1024);
  try {
    return atob(whole.slice(0, whole.length - (whole.length % 4 === 1 ? 1 : 0))).includes(":");
  } catch {
    return false;
  }
}

const SEGMENT = /[\w-]*/y;
const MORE_SEGMENTS = /(?:\.[\w-]*){1,4}/y;
/** `{"alg":…}` in base64 has more than this. */
const SHORTEST_HEADER = 13;

/** JWS and JWE in their compact form, also where the end was cut: claims are in the second part. */
export function* findJwts(text: string): Generator<Range> {
  for (let start = text.indexOf("eyJ"); start >= 0;) {
    let end = endOf(SEGMENT, text, start);
    if (text[end] === "." && end - start >= SHORTEST_HEADER) {
      end = endOf(MORE_SEGMENTS, text, end);
      yield { start, end };
    }
    start = text.indexOf("eyJ", end);
  }
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}

const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

/** From the first line to the last, or to the text's end where it was cut. */
export function* findPrivateKeys(text: string): Generator<Range> {
  let from = 0;
  for (const { index: start, 0: line } of text.matchAll(PEM_BEGIN)) {
    if (start < from) continue;
    const last = text.indexOf("-----END", start + line.length);
    const close = last < 0 ? -1 : text.indexOf("-----", last + 8);
    const end = (from = close < 0 ? text.length : close + 5);
    yield { start, end };
  }
}

/** By the prefixes that those who give them out have documented. */
const ACCESS_KEYS = [
  "(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
  "gh[pousr]_[A-Za-z0-9]{36,255}",
  "github_pat_[A-Za-z0-9_]{22,255}",
  "glpat-[A-Za-z0-9_-]{20,255}",
  "xox[abeprs]-[A-Za-z0-9-]{10,255}",
  "AIza[A-Za-z0-9_-]{35}",
  "[rs]k_live_[A-Za-z0-9]{16,255}",
  "npm_[A-Za-z0-9]{36}",
];
const ACCESS_KEY = new RegExp(`(?<![A-Za-z0-9])(?:${ACCESS_KEYS.join("|")})(?![A-Za-z0-9])`, "g");

export const findAccessKeys = (text: string): Iterable<Range> => matchesOf(ACCESS_KEY, text);
