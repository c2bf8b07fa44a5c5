/** Values of the expressions that checks of requests are made of (`validation/cel.ts`). */
import { ABSENT, type Facts, headerOf } from "../authorization/facts.ts";
import type { Expression } from "../validation/cel.ts";

type Value = string | number | boolean | readonly string[];

/** Undefined where it depends on what is not known. */
export function valueOf(expression: Expression, facts: Facts): Value | undefined {
  const { constExpr, selectExpr, callExpr } = expression;
  if (constExpr) return constExpr.stringValue ?? Number(constExpr.int64Value ?? 0);
  if (selectExpr) return attribute(selectExpr.field ?? "", facts);
  const { function: name = "", args = [] } = callExpr ?? {};
  if (name === "@in") {
    const [header] = args;
    const found = headerOf(facts, header?.constExpr?.stringValue ?? "");
    return found === undefined ? undefined : found !== ABSENT;
  }
  const [a, b, c] = args.map((each) => valueOf(each, facts));
  if (name === "_?_:_") return a === undefined ? undefined : a === true ? b : c;
  if (a === undefined || (args.length > 1 && b === undefined)) return undefined;
  switch (name) {
    case "size":
      return typeof a === "string" || Array.isArray(a) ? a.length : undefined;
    case "_+_":
      return Number(a) + Number(b);
    case "_-_":
      return Number(a) - Number(b);
    case "_>_":
      return Number(a) > Number(b);
    case "_==_":
      return a === b;
    default:
      return undefined;
  }
}

/** There in every request, known or not. */
const PSEUDO_HEADERS = [":authority", ":method", ":path", ":scheme"];

function isOwn(header: string): boolean {
  return !header.startsWith(":");
}

function attribute(field: string, facts: Facts): Value | undefined {
  const { headers, complete } = facts;
  switch (field) {
    case "path":
      return headers[":path"];
    case "headers":
      return complete.headers
        ? [...PSEUDO_HEADERS, ...Object.keys(headers).filter(isOwn)]
        : undefined;
    case "total_size":
      return complete.headers
        ? Object.entries(headers).reduce(
            (sum, [name, value]) => sum + name.length + value.length,
            0,
          )
        : undefined;
    case "size": {
      const length = headerOf(facts, "content-length");
      return length === undefined ? undefined : length === ABSENT ? 0 : Number(length);
    }
    default:
      return undefined;
  }
}
