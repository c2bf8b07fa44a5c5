/** Changes a valid object into one that perhaps is not: types, names and places of fields, odd and huge values. */
import type { Random } from "./random.ts";

/** Where a value stands: what holds it, and under which key. */
interface Place {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string | number;
}

/** Names that mean something to the language itself. */
const PROTOTYPE_KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "__defineGetter__",
  "then",
  "toJSON",
  "length",
];

const ODD_TEXTS = [
  "",
  " ",
  "*",
  ".",
  "..",
  "~",
  "/",
  "//",
  "a/b/c",
  "*.*",
  "*.com",
  "%",
  "%%",
  "%REQ(",
  "-1",
  "0",
  "1e400",
  "NaN",
  "null",
  "true",
  "[object Object]",
  "\u0000",
  "a\nb",
  "\ud800",
  "\u202e",
  "é",
  "🙂",
  "＊",
  "{*}",
  "{**}/{*}",
  "(a+)+$",
  "(?=a)",
  "a{1001}",
  "[[:alpha:]",
  "\\",
  "\\Q",
  "1.2.3.4/33",
  "999.1.1.1",
  "::1",
  "::1]/x[",
  "fe80::1%eth0",
  "unix://",
  "unix:///a/",
  "http://[::1",
  "https://a.com:99999/",
  "javascript:alert(1)",
  "outbound|80||a.com",
  "outbound_.80_._.a.com",
  "9999999999999h",
  "1ns",
  "-5s",
  "5",
  "1h1m1s1ms",
  "constructor",
  "__proto__",
  "@request.auth.claims.",
  "@request.auth.claims[a][b]",
  "request.headers[",
  "a".repeat(64),
  "a".repeat(254),
  `${"a.".repeat(200)}com`,
  "x".repeat(5000),
];

const ODD_NUMBERS = [
  0,
  -0,
  -1,
  1,
  0.1,
  0.00001,
  100,
  101,
  255,
  65535,
  65536,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 53,
  1e21,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
];

/** A copy of `seed` with one to a few changes; `others` lend fields and names. */
export function mutate(seed: unknown, others: readonly unknown[], random: Random): unknown {
  const root = { object: copyOf(seed) };
  const times = 1 + random.int(random.once(4) ? 8 : 2);
  for (let i = 0; i < times; i++) change(place(root, random), others, random);
  return root.object;
}

/** A copy of `seed` in which a few fields have the values that such fields have elsewhere: often still valid. */
export function recombine(seed: unknown, others: readonly unknown[], random: Random): unknown {
  const root = { object: copyOf(seed) };
  for (let times = 1 + random.int(3); times > 0; times--) {
    let at = place(root, random);
    for (let tries = 0; tries < 20 && at.holder === root.object; tries++) at = place(root, random);
    if (typeof at.key === "number") {
      if (random.once(2)) drop(at);
      else put(at, twist(valueAt(at), random));
      continue;
    }
    const same = valuesNamed(at.key, others);
    if (same.length === 0 || random.once(8)) drop(at);
    else put(at, copyOf(random.pick(same)));
  }
  return root.object;
}

const byName = new WeakMap<readonly unknown[], Map<string, unknown[]>>();

/** Every value that stands under a name anywhere. */
function valuesNamed(name: string, others: readonly unknown[]): readonly unknown[] {
  let index = byName.get(others);
  if (!index) {
    const found = (index = new Map<string, unknown[]>());
    const collect = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
        if (!Array.isArray(value)) found.set(key, [...(found.get(key) ?? []), inner]);
        collect(inner);
      }
    };
    others.forEach(collect);
    byName.set(others, index);
  }
  return index.get(name) ?? [];
}

/** Any value inside, none more often than others at its level; the whole object now and then. */
function place(root: { object: unknown }, random: Random): Place {
  let here: Place = { holder: root, key: "object" };
  for (;;) {
    const value = valueAt(here);
    if (typeof value !== "object" || value === null) return here;
    const keys: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    const atRoot = here.holder === root;
    if (keys.length === 0 || random.once(atRoot ? 200 : 6)) return here;
    // What an object is called is changed less often: most such changes end the reading at once.
    const inner = keys.filter((key) => !atRoot || key === "spec" || random.once(8));
    here = { holder: value as Place["holder"], key: random.pick(inner.length > 0 ? inner : keys) };
  }
}

function change(at: Place, others: readonly unknown[], random: Random): void {
  const value = valueAt(at);
  switch (random.int(13)) {
    case 0:
    case 1:
      return put(at, odd(random));
    case 2:
      return drop(at);
    case 3:
      if (isFields(value)) define(value, newName(others, random), graft(others, random));
      else put(at, odd(random));
      return;
    case 4:
      return rename(at, random);
    case 5:
      return put(at, random.once(2) ? [value] : { [newName(others, random)]: value });
    case 6:
      return put(at, graft(others, random));
    case 7:
      return put(at, twist(value, random));
    case 8:
      if (Array.isArray(value)) grow(value, others, random);
      else if (isFields(value)) define(value, random.pick(PROTOTYPE_KEYS), odd(random));
      else put(at, twist(value, random));
      return;
    case 9:
      return put(at, isFields(value) ? Object.values(value) : twist(value, random));
    case 10: {
      const inner = typeof value === "object" && value !== null ? Object.values(value) : [];
      return put(at, inner.length > 0 ? random.pick(inner) : odd(random));
    }
    case 11:
      return put(at, nested(1 + random.int(random.once(10) ? 1000 : 60), random));
    default:
      return put(at, twist(value, random));
  }
}

function odd(random: Random): unknown {
  switch (random.int(12)) {
    case 0:
      return null;
    case 1:
      return random.once(2);
    case 2:
    case 3:
      return random.pick(ODD_NUMBERS);
    case 4:
      return [];
    case 5:
      return {};
    case 6: {
      const fields = {};
      define(fields, random.pick(PROTOTYPE_KEYS), random.pick([1, {}, [], "a", null]));
      return fields;
    }
    case 7:
      return random.once(20) ? "y".repeat(200_000) : random.pick(ODD_TEXTS);
    case 8:
      return [random.pick(ODD_TEXTS), random.pick(ODD_NUMBERS), null];
    default:
      return random.pick(ODD_TEXTS);
  }
}

/** The value a little off: a letter more, another case, another sign. */
function twist(value: unknown, random: Random): unknown {
  if (typeof value === "number") {
    return random.pick([
      -value,
      value + 0.5,
      value * 1e9,
      String(value),
      value + 1,
      ...ODD_NUMBERS,
    ]);
  }
  if (typeof value === "boolean") return random.pick([!value, String(value), Number(value)]);
  if (typeof value !== "string") return odd(random);
  const cut = random.int(value.length + 1);
  return random.pick([
    value.toUpperCase(),
    value.slice(0, cut),
    value.slice(cut) + value.slice(0, cut),
    value.slice(0, cut) + random.pick(ODD_TEXTS) + value.slice(cut),
    ` ${value}`,
    `${value}\n`,
    value + value,
    Number(value),
  ]);
}

function nested(depth: number, random: Random): unknown {
  let value: unknown = random.pick([1, "a", {}, []]);
  const list = random.once(2);
  for (let i = 0; i < depth; i++) value = list ? [value] : { a: value };
  return value;
}

function grow(list: unknown[], others: readonly unknown[], random: Random): void {
  const item: unknown = list.length > 0 ? random.pick(list) : graft(others, random);
  const times = random.once(20) ? 1000 : 1 + random.int(4);
  for (let i = 0; i < times; i++) list.push(copyOf(item));
}

/** A value out of another object, most often one that stands deep inside. */
function graft(others: readonly unknown[], random: Random): unknown {
  let value: unknown = random.pick(others);
  for (let steps = 1 + random.int(8); steps > 0; steps--) {
    if (typeof value !== "object" || value === null) break;
    const inner: unknown[] = Object.values(value);
    if (inner.length === 0) break;
    value = random.pick(inner);
  }
  return copyOf(value);
}

function newName(others: readonly unknown[], random: Random): string {
  if (random.once(4)) return random.pick([...PROTOTYPE_KEYS, ...ODD_TEXTS.slice(0, 30)]);
  let value: unknown = random.pick(others);
  let name = "spec";
  for (let steps = 2 + random.int(6); steps > 0; steps--) {
    if (typeof value !== "object" || value === null) break;
    const names = Object.keys(value);
    if (names.length === 0) break;
    name = random.pick(names);
    value = (value as Record<string, unknown>)[name];
  }
  return name;
}

function rename({ holder, key }: Place, random: Random): void {
  if (Array.isArray(holder)) return;
  const name = String(key);
  const cut = random.int(name.length + 1);
  const value = holder[name];
  delete holder[name];
  const other = random.pick([
    name.slice(0, cut) + name.slice(cut + 1),
    name.slice(0, cut) + random.pick(["x", "s", "_", "-"]) + name.slice(cut),
    name.toLowerCase(),
    name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    random.pick(PROTOTYPE_KEYS),
  ]);
  define(holder, other, value);
}

function drop({ holder, key }: Place): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[String(key)];
}

function put({ holder, key }: Place, value: unknown): void {
  if (Array.isArray(holder)) holder[Number(key)] = value;
  else define(holder, String(key), value);
}

/** Sets a field of its own, also where the name is `__proto__`, as reading JSON does. */
function define(holder: object, name: string, value: unknown): void {
  Object.defineProperty(holder, name, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function valueAt({ holder, key }: Place): unknown {
  return Array.isArray(holder) ? holder[Number(key)] : holder[String(key)];
}

/** A copy; of what is too deep to be copied nothing. */
function copyOf(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return null;
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
