/** The reviews service. v1 has no stars, v2 has black ones, v3 has red ones: so that a reader sees which one answered. */
import { get, json, serve, type Call } from "./service.ts";

const VERSION = process.env["SERVICE_VERSION"] ?? "v1";
const POD = process.env["POD_NAME"] ?? `reviews-${VERSION}`;
const RATINGS = process.env["RATINGS_URL"] ?? "http://ratings:9080";
const STAR_COLOR: Record<string, string | undefined> = { v2: "black", v3: "red" };
/** Ratings are a nicety: a page without stars beats a page that comes late. */
const RATINGS_TIMEOUT_MS: Record<string, number | undefined> = { v2: 10_000, v3: 2_500 };

const TEXTS = [
  {
    reviewer: "Reviewer1",
    text: "Two pairs of twins, one confused city, and not a dull minute. I laughed out loud on the tram.",
  },
  {
    reviewer: "Reviewer2",
    text: "Short, quick and silly in the best way, though I needed a pencil to keep the brothers apart.",
  },
];

serve(`reviews-${VERSION}`, async (call) => {
  const id = /^\/reviews\/(\d+)$/.exec(call.url.pathname)?.[1];
  if (!id) return json(404, { error: "no such page; try /reviews/0" });
  const color = STAR_COLOR[VERSION];
  const ratings = color ? await ratingsOf(id, call) : undefined;
  return json(200, {
    id,
    podname: POD,
    clustername: process.env["CLUSTER_NAME"] ?? "null",
    version: VERSION,
    reviews: TEXTS.map((review) => ({
      ...review,
      ...(color ? { rating: rating(ratings, review.reviewer, color) } : {}),
    })),
  });
});

async function ratingsOf(id: string, call: Call): Promise<Record<string, number> | undefined> {
  try {
    const reply = await get(`${RATINGS}/ratings/${id}`, call, RATINGS_TIMEOUT_MS[VERSION]);
    if (reply.status !== 200) return undefined;
    return (JSON.parse(reply.body) as { ratings: Record<string, number> }).ratings;
  } catch {
    return undefined;
  }
}

function rating(
  ratings: Record<string, number> | undefined,
  reviewer: string,
  color: string,
): unknown {
  const stars = ratings?.[reviewer];
  return stars === undefined
    ? { error: "Ratings service is currently unavailable" }
    : { stars, color };
}
