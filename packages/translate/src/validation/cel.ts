/** Expressions of CEL over a request's attributes, as trees: Envoy's matchers read no text. */
import type { CelExpression } from "@heddle/envoy/xds/type/v3";

export type Expression = NonNullable<NonNullable<CelExpression["celExprParsed"]>["expr"]>;

/** `request.NAME`: `size` of the body as announced, `path` with its query, `total_size` of the headers while there is no body. */
export function request(field: "headers" | "path" | "size" | "total_size"): Expression {
  return select("request", field);
}

/** The name of the route that the request takes. */
export const ROUTE_NAME: Expression = select("xds", "route_name");

export function number(int64Value: number): Expression {
  return { constExpr: { int64Value } };
}

export function string(stringValue: string): Expression {
  return { constExpr: { stringValue } };
}

export function hasHeader(name: string): Expression {
  return call("@in", string(name), request("headers"));
}

export function size(of: Expression): Expression {
  return call("size", of);
}

export function sum(...terms: readonly Expression[]): Expression {
  return terms.reduce((all, term) => call("_+_", all, term));
}

export function minus(from: Expression, what: Expression): Expression {
  return call("_-_", from, what);
}

export function isMore(than: number, what: Expression): Expression {
  return call("_>_", what, number(than));
}

export function isEqual(a: Expression, b: Expression): Expression {
  return call("_==_", a, b);
}

/** 1 or 0. */
export function asNumber(condition: Expression): Expression {
  return call("_?_:_", condition, number(1), number(0));
}

function select(of: string, field: string): Expression {
  return { selectExpr: { operand: { identExpr: { name: of } }, field } };
}

function call(name: string, ...args: readonly Expression[]): Expression {
  return { callExpr: { function: name, args } };
}
