/**
 * How many messages a gRPC call had, as numbers. Envoy's filter leaves both as one text, `7,9`, in the filter state. CEL sees
 * that as bytes, which the formatter of statistics can neither split nor turn into text: it takes no settings, and string
 * functions are off. But a list of JSON holds bytes as text in base64 (protobuf's JSON mapping), and regular expressions and
 * arithmetic are there: so the digits are read out of the base64 text, three from each four of its characters.
 */
import { GRPC_STATS_FILTER } from "../filter/names.ts";
import type { SideSettings } from "./settings.ts";

const STATE = `filter_state['${GRPC_STATS_FILTER}']`;

/** What only calls have that had a message. */
export const HAS_MESSAGES = `'${GRPC_STATS_FILTER}' in filter_state`;

export function countsMessages(metrics: SideSettings["metrics"]): boolean {
  return !metrics.GRPC_REQUEST_MESSAGES.disabled || !metrics.GRPC_RESPONSE_MESSAGES.disabled;
}

const BASE64 = `google.protobuf.ListValue{values:[${STATE}]}[0]`;

/** Fours of base64 characters that are read; with the comma 18 characters of text, so 10^8 messages each way. */
const FOURS = 6;
const LENGTH = 3 * FOURS;

/*
 * A digit is 0x30 and its value, a comma 0x2c. Of three bytes, base64 makes: the upper six bits of the first; its lower two
 * and the upper half of the second; the lower half of the second and two bits that are 0; the lower six of the third. The
 * comma and what is missing at the end count as 0.
 */
const UPPER_OF_FIRST = byLetter({ M: 0, N: 4, O: 8, L: 0 });
/** Whether a digit follows, a comma, or nothing. */
const LOWER_OF_FIRST = byLetter({ ...counted("DTjz"), ...counted("CSiy"), ...counted("AQgw") });
const SECOND = byLetter({ ...counted("AEIMQUYcgk"), w: 0, "=": 0 });
const THIRD = byLetter({ ...counted("wxyz012345"), s: 0, "=": 0 });

/** The text as one number: its characters as digits, from the left, and zeros up to the full length. */
const DIGITS = `(${Array.from({ length: FOURS }, (_, four) => valueOfFour(four)).join("+")})`;

/**
 * The comma's place in the base64 text: `L` as first byte of three, `s` as third, and `w` as second, where the character
 * before it tells it from a third byte.
 */
const COMMA = `size(re.capture(${BASE64},'([!-~]*?)(?:L|[!-~]s|[CSiy]w)[!-~]*'))`;

/** What the zeros have multiplied the text's last digits by. */
const BY_LENGTH = powersOfTen(
  Array.from({ length: LENGTH - 2 }, (_, index) => ({
    of: index + 3,
    exponent: LENGTH - 3 - index,
  })),
  `size(${STATE})`,
);

const REQUESTS = `${DIGITS}/${byComma((place) => LENGTH - place)}`;
// The space keeps Envoy from seeing the end of its format, which is a bracket and a percent sign.
const RESPONSES = `${DIGITS} %${byComma((place) => LENGTH - place - 1)}/${BY_LENGTH}`;

/** Nothing has to be read out for calls with one message each way, or with an error for an answer. */
export const REQUEST_MESSAGES = `%CEL(${STATE}==b'1,1'||${STATE}==b'1,0'?1:${REQUESTS})%`;
export const RESPONSE_MESSAGES = `%CEL(${STATE}==b'1,1'?1:${STATE}==b'1,0'?0:${RESPONSES})%`;

function valueOfFour(four: number): string {
  const at = (index: number) => `[re.capture(${BASE64},'[!-~]{${4 * four + index}}([!-~])[!-~]*')]`;
  const first = `(${UPPER_OF_FIRST}${at(0)}+${LOWER_OF_FIRST}${at(1)})`;
  const value = `(${first}*100+${SECOND}${at(2)}*10+${THIRD}${at(3)})`;
  return `(size(${STATE})>${3 * four}?${value}*${powerOfTen(LENGTH - 3 * (four + 1))}:0)`;
}

/** A power of ten by the number of characters before the comma. */
function byComma(exponent: (place: number) => number): string {
  const places = Array.from({ length: LENGTH - 2 }, (_, index) => index + 1);
  const inBase64 = (place: number) => 4 * Math.floor(place / 3) + (place % 3);
  return powersOfTen(
    places.map((place) => ({ of: inBase64(place), exponent: exponent(place) })),
    COMMA,
  );
}

function powersOfTen(
  entries: readonly { readonly of: number; readonly exponent: number }[],
  by: string,
): string {
  return `{${entries.map(({ of, exponent }) => `${of}:${powerOfTen(exponent)}`).join(",")}}[${by}]`;
}

/** As text: the larger ones are beyond what a number here holds exactly. */
function powerOfTen(exponent: number): string {
  return `1${"0".repeat(exponent)}`;
}

function byLetter(values: Readonly<Record<string, number>>): string {
  return `{${Object.entries(values)
    .map(([letter, value]) => `'${letter}':${value}`)
    .join(",")}}`;
}

/** 0 for the first letter, 1 for the second, and on. */
function counted(letters: string): Readonly<Record<string, number>> {
  return Object.fromEntries([...letters].map((letter, index) => [letter, index]));
}
