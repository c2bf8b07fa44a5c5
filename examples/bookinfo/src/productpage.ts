/** The product page: asks details and reviews, and shows both to a person. */
import { productPage, startPage, type Details, type Part, type Reviews } from "./page.ts";
import { get, json, serve, type Call, type Reply } from "./service.ts";

const DETAILS = process.env["DETAILS_URL"] ?? "http://details:9080";
const REVIEWS = process.env["REVIEWS_URL"] ?? "http://reviews:9080";
const PRODUCT = {
  id: 0,
  title: "The Comedy of Errors",
  description:
    "Two sets of identical twins, parted in a shipwreck, turn up in the same town on the same day without knowing of each other. Wrong beatings, a locked-out husband, an arrest and a chain of gold follow, all before supper.",
};

serve("productpage", async (received) => {
  const call = withUser(received);
  const path = call.url.pathname;
  if (path === "/") return html(startPage());
  if (path === "/productpage") return page(call);
  if (path === "/login" && call.method === "POST")
    return login(new URLSearchParams(call.body).get("username") ?? "");
  if (path === "/logout")
    return redirect("/productpage", "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
  if (path === "/api/v1/products") return json(200, [PRODUCT]);
  const [, id, part] = /^\/api\/v1\/products\/(\d+)(?:\/(reviews|ratings))?$/.exec(path) ?? [];
  if (id === undefined) return json(404, { error: "no such page; try /productpage" });
  if (part === "ratings")
    return get(`${process.env["RATINGS_URL"] ?? "http://ratings:9080"}/ratings/${id}`, call).then(
      asJson,
    );
  return get(part ? `${REVIEWS}/reviews/${id}` : `${DETAILS}/details/${id}`, call).then(asJson);
});

async function page(call: Call): Promise<Reply> {
  const [details, reviews] = await Promise.all([
    fetchPart<Details>(`${DETAILS}/details/0`, call),
    fetchPart<Reviews>(`${REVIEWS}/reviews/0`, call),
  ]);
  return html(productPage({ product: PRODUCT, details, reviews, user: userOf(call) }));
}

/** One part of the page; a part that fails says so in its place, and the rest is still shown. */
async function fetchPart<T>(url: string, call: Call): Promise<Part<T>> {
  try {
    const reply = await get(url, call);
    return reply.status === 200
      ? { value: JSON.parse(reply.body) as T }
      : { error: `answered ${reply.status}` };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Who is signed in travels to every service as the `end-user` header, so that rules can match on it. */
function withUser(call: Call): Call {
  const user = userOf(call);
  const { "end-user": _claimed, ...headers } = call.headers;
  return { ...call, headers: user ? { ...headers, "end-user": user } : headers };
}

function userOf(call: Call): string | undefined {
  const cookie = /(?:^|;\s*)session=([\w.-]{1,64})/.exec(call.headers.cookie ?? "");
  return cookie?.[1];
}

function login(username: string): Reply {
  const name = username.replace(/[^\w.-]/g, "").slice(0, 64);
  return redirect("/productpage", `session=${name}; Path=/; HttpOnly; SameSite=Lax`);
}

function redirect(location: string, cookie: string): Reply {
  return { status: 302, body: "", headers: { location, "set-cookie": cookie } };
}

function html(body: string): Reply {
  return { status: 200, body, headers: { "content-type": "text/html; charset=utf-8" } };
}

function asJson(reply: Reply): Reply {
  return { ...reply, headers: { "content-type": "application/json" } };
}
