/** How a service is meant when it is asked for: by its host, or by any shorter form of it. */

/**
 * SQL that is true where the column and the parameter name the same service: `reviews`, `reviews.shop` and
 * `reviews.shop.svc.cluster.local` do, in either direction; an empty column names none.
 */
export function nameMatches(column: string, parameter: string): string {
  return `(${column} <> '' AND (${column} = ${parameter} OR starts_with(${column}, ${parameter} || '.') OR starts_with(${parameter}, ${column} || '.')))`;
}
