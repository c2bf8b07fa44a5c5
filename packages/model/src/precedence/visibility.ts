/** Which namespaces see an object, by its `exportTo`. */

/**
 * Whether an object of `owner` is visible in `namespace`. `*` is everyone, `.` the object's own namespace, `~` nobody;
 * an empty list means everyone.
 */
export function isVisible(
  exportTo: readonly string[] | undefined,
  owner: string,
  namespace: string,
): boolean {
  if (exportTo === undefined || exportTo.length === 0) return true;
  return exportTo.some(
    (entry) => entry === "*" || entry === namespace || (entry === "." && owner === namespace),
  );
}
