/**
 * Gives the page a language that `Intl` takes. Browsers started under a POSIX locale report such as `en-US@posix`, and uPlot hands
 * that to `Intl.NumberFormat` while it loads, which throws. Imported before uPlot, for its effect.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US", configurable: true });
}
