/** What a request's token says, once it has been verified: claims that Envoy's filter for tokens leaves in its metadata. */
import type { MetadataMatcher, StringMatcher, ValueMatcher } from "@heddle/envoy/type/matcher/v3";
import { tokenClaim } from "../filter/token-claim.ts";
import { matcherOf } from "./string-match.ts";

/** A claim, or one inside of another, that is any of some values, or a list with one of them. */
export function claimIs(path: readonly string[], values: readonly string[]): MetadataMatcher {
  const value = anyOf(values.map((each) => ({ stringMatch: matcherOf(each) })));
  return tokenClaim(path, { orMatch: { valueMatchers: [{ listMatch: { oneOf: value } }, value] } });
}

/** Issuer and subject, as `<issuer>/<subject>`; the issuer may have slashes itself. */
export function requestPrincipal(value: string): readonly MetadataMatcher[] {
  const [issuer, subject] = issuerAndSubject(value);
  return [
    tokenClaim(["iss"], { stringMatch: issuer }),
    tokenClaim(["sub"], { stringMatch: subject }),
  ];
}

function issuerAndSubject(value: string): readonly [StringMatcher, StringMatcher] {
  const any = matcherOf("*");
  const slash = value.lastIndexOf("/");
  if (slash < 0) {
    // A wildcard may cover the slash: what is left then is the end of the subject, or the beginning of the issuer.
    if (value.startsWith("*")) return [any, matcherOf(value)];
    if (value.endsWith("*")) return [matcherOf(value), any];
    return [{ exact: value }, { exact: "" }];
  }
  const issuer = value.slice(0, slash);
  const subject = value.slice(slash + 1);
  if (value.startsWith("*")) return [suffixed(issuer), { exact: subject }];
  return [{ exact: issuer }, subject.endsWith("*") ? matcherOf(subject) : { exact: subject }];
}

/** Of a text that begins with a wildcard. */
function suffixed(text: string): StringMatcher {
  return text === "*" ? matcherOf("*") : { suffix: text.slice(1) };
}

export function anyOf(valueMatchers: readonly ValueMatcher[]): ValueMatcher {
  const [only] = valueMatchers;
  return valueMatchers.length === 1 && only ? only : { orMatch: { valueMatchers } };
}
