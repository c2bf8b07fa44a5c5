/** Finds personal data: e-mail addresses, numbers of cards and accounts, IP addresses. Each finder takes time in proportion to the text. */
import type { Range } from "./range.ts";

const AT = /@|%40/gi;
const LOCAL_PART = /[\p{L}\p{N}._%+'-]{1,64}$/u;
const DOMAIN = /[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/uy;
const TOP_LEVEL = /^(?:\p{L}{2,63}|xn--[a-z0-9-]{1,59})$/iu;

export function* findEmails(text: string): Generator<Range> {
  if (!text.includes("@") && !text.includes("%40")) return;
  let from = 0;
  for (const { index, 0: at } of text.matchAll(AT)) {
    if (index < from) continue;
    const local = LOCAL_PART.exec(text.slice(Math.max(from, index - 64), index))?.[0];
    if (local === undefined) continue;
    DOMAIN.lastIndex = index + at.length;
    const domain = DOMAIN.exec(text)?.[0].replace(/-+$/, "");
    // `pkg@1.2.3` is none.
    if (domain === undefined || !TOP_LEVEL.test(domain.slice(domain.lastIndexOf(".") + 1)))
      continue;
    from = index + at.length + domain.length;
    yield { start: index - local.length, end: from };
  }
}

/** Digits in groups, with one space or dash between them. */
const DIGITS = /(?<![\d.])\d+(?:[ -]\d+)*/g;
const DIGIT_GROUP = /\d+/g;
const SEPARATORS = /[ -]/g;
const LONG_NUMBER = /\d(?:[ -]?\d){12}/;
const CARD_DIGITS = { least: 13, most: 19 };

export function* findCardNumbers(text: string): Generator<Range> {
  if (!LONG_NUMBER.test(text)) return;
  for (const { index, 0: run } of text.matchAll(DIGITS)) {
    if (run.length < CARD_DIGITS.least) continue;
    const groups = groupsOf(run);
    const digits = run.replaceAll(SEPARATORS, "");
    let first = 0;
    while (first < groups.length) {
      const found = cardFrom(digits, groups, first);
      if (found !== undefined)
        yield { start: index + groups[first]!.start, end: index + groups[found]!.end };
      first = (found ?? first) + 1;
    }
  }
}

interface Group extends Range {
  /** Digits of the run up to its end. */
  readonly digits: number;
}

function groupsOf(run: string): Group[] {
  let digits = 0;
  return Array.from(run.matchAll(DIGIT_GROUP), ({ index, 0: { length } }) => {
    digits += length;
    return { start: index, end: index + length, digits };
  });
}

/** The last group of the longest number of a card that begins with a group. */
function cardFrom(digits: string, groups: readonly Group[], first: number): number | undefined {
  const before = groups[first - 1]?.digits ?? 0;
  let found: number | undefined;
  for (let last = first; last < groups.length; last++) {
    const end = groups[last]!.digits;
    if (end - before > CARD_DIGITS.most) break;
    if (end - before < CARD_DIGITS.least) continue;
    if (isCardNumber(digits.slice(before, end))) found = last;
  }
  return found;
}

/** First digits and lengths of the schemes: American Express, Diners Club, JCB and UnionPay among them. */
const SCHEME =
  /^(?:3[47]\d{13}|3(?:0[0-5]|095|[689]\d)\d{11,16}|35\d{14,17}|4(?:\d{12}|\d{15}|\d{18})|5\d{15}|2[2-7]\d{14}|6\d{12,18})$/;

function isCardNumber(digits: string): boolean {
  return SCHEME.test(digits) && hasLuhnDigit(digits);
}

/** ISO/IEC 7812-1, annex B. */
function hasLuhnDigit(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const weighted = index % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
}

/** Characters of an IBAN by country, from SWIFT's registry. */
const IBAN_LENGTHS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD FK",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK MN",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
    33: "RU",
  }).flatMap(([length, countries]) =>
    countries.split(" ").map((country) => [country, Number(length)] as const),
  ),
);
const LONGEST_IBAN = 34;
const IBAN_START = /(?<![A-Za-z0-9])[A-Z]{2}\d{2}/gi;

export function* findIbans(text: string): Generator<Range> {
  let from = 0;
  for (const { index: start, 0: head } of text.matchAll(IBAN_START)) {
    const length = IBAN_LENGTHS.get(head.slice(0, 2).toUpperCase());
    if (length === undefined || start < from) continue;
    let account = "";
    let end = start;
    // A space may stand between any two.
    for (; account.length < length && end < start + 2 * LONGEST_IBAN; end++) {
      const char = text.charAt(end);
      if (/[A-Za-z0-9]/.test(char)) account += char.toUpperCase();
      else if (char !== " " || text[end - 1] === " ") break;
    }
    if (account.length < length || /[A-Za-z0-9]/.test(text.charAt(end))) continue;
    if (!hasIbanDigits(account)) continue;
    from = end;
    yield { start, end };
  }
}

/** ISO 7064, MOD 97-10. */
function hasIbanDigits(account: string): boolean {
  let rest = 0;
  for (const char of account.slice(4) + account.slice(0, 4)) {
    const value = parseInt(char, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest === 1;
}

const OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
const IPV4_ADDRESS = new RegExp(`(?<![\\w.])${IPV4}(?![\\w]|\\.\\d)`, "g");
const IPV6_CANDIDATE = /(?<![\w:.])[0-9A-Fa-f:]{2,39}(?:(?:\.\d{1,3}){3})?(?![\w:])/g;

export function* findIpAddresses(text: string): Generator<Range> {
  if (text.includes("."))
    for (const { index, 0: address } of text.matchAll(IPV4_ADDRESS))
      yield { start: index, end: index + address.length };
  if (!text.includes(":")) return;
  for (const { index, 0: address } of text.matchAll(IPV6_CANDIDATE))
    if (isIpv6(address)) yield { start: index, end: index + address.length };
}

const IPV4_WHOLE = new RegExp(`^${IPV4}$`);

/** RFC 4291, section 2.2; of all zeros nobody is told. */
function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const all = groups.flat();
  const last = all.at(-1);
  const tail = last?.includes(".") === true;
  if (tail && !IPV4_WHOLE.test(last ?? "")) return false;
  const plain = tail ? all.slice(0, -1) : all;
  if (!plain.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return false;
  const count = plain.length + (tail ? 2 : 0);
  return halves.length === 2 ? count >= 2 && count <= 7 && /\d/.test(text) : count === 8;
}
