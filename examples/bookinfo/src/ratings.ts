/** The ratings service: stars by reviewer for a book. POST replaces them, until the service restarts. */
import { json, serve } from "./service.ts";

const DEFAULT_RATINGS = { Reviewer1: 5, Reviewer2: 4 };
const posted = new Map<string, Record<string, number>>();

serve("ratings", ({ method, url, body }) => {
  const id = /^\/ratings\/(\d+)$/.exec(url.pathname)?.[1];
  if (!id) return json(404, { error: "no such page; try /ratings/0" });
  if (method === "POST") {
    const ratings = parseRatings(body);
    if (!ratings) return json(400, { error: 'send an object of stars, such as {"Reviewer1": 3}' });
    posted.set(id, ratings);
  }
  return json(200, { id: Number(id), ratings: posted.get(id) ?? DEFAULT_RATINGS });
});

function parseRatings(body: string): Record<string, number> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const stars = Object.entries(value);
    return stars.every(([, n]) => Number.isInteger(n) && n >= 0 && n <= 5)
      ? (Object.fromEntries(stars) as Record<string, number>)
      : undefined;
  } catch {
    return undefined;
  }
}
