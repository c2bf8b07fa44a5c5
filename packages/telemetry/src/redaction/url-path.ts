/** Where a URL's path stands in a text. */
import type { Range } from "./range.ts";

/** Attributes that hold a URL or its path, by OpenTelemetry's names of today and before. */
const URL_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...["url.path", "url.full", "url.original", "http.url", "http.target", "http.path", "path"],
  ...["http.request.header.referer", "http.request.header.x-envoy-original-path"],
]);

/** Behind a host, or at the start of a word; without the first slash, the query and the fragment. */
const PATH = /(?:^|\s|:\/\/[^\s/?#]*)\/([^\s?#]+)/dg;

export function holdsUrl(attribute: string): boolean {
  return URL_ATTRIBUTES.has(attribute.toLowerCase());
}

export function* pathsIn(text: string): Generator<Range> {
  if (!text.includes("/")) return;
  for (const { indices } of text.matchAll(PATH)) {
    const [start, end] = indices![1]!;
    yield { start, end };
  }
}
