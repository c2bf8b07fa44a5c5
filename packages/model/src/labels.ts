/** Labels and what picks by them. */

type Labels = Readonly<Record<string, string>>;

/** Whether `labels` has every label of `selector`. An empty selector picks everything. */
export function labelsMatch(selector: Labels | undefined, labels: Labels): boolean {
  for (const name in selector) if (labels[name] !== selector[name]) return false;
  return true;
}

/** Whether a selector asks for anything at all. */
export function selects(selector: Labels | undefined): selector is Labels {
  return selector !== undefined && Object.keys(selector).length > 0;
}
