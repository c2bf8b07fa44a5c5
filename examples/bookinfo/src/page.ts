/** The bookshop's two pages as HTML. All that comes from a service or a person is escaped. */

export interface Product {
  readonly title: string;
  readonly description: string;
}

export type Details = Record<string, string | number>;

export interface Reviews {
  readonly podname: string;
  readonly version: string;
  readonly reviews: readonly {
    readonly reviewer: string;
    readonly text: string;
    readonly rating?: { readonly stars?: number; readonly color?: string; readonly error?: string };
  }[];
}

/** A part of the page, or why it is missing. */
export type Part<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly error: string; readonly value?: undefined };

export interface PageContent {
  readonly product: Product;
  readonly details: Part<Details>;
  readonly reviews: Part<Reviews>;
  readonly user: string | undefined;
}

const TITLE = "Simple Bookstore App";

export function productPage({ product, details, reviews, user }: PageContent): string {
  return layout(
    `${nav(user)}
<main>
  <section class="hero">
    <div class="cover" aria-hidden="true"><span>The<br>Comedy<br>of<br>Errors</span><small>W. Shakespeare</small></div>
    <div>
      <h1>${escape(product.title)}</h1>
      <p class="lead">${escape(product.description)}</p>
      ${detailsPart(details)}
    </div>
  </section>
  <section>
    <h2>What readers say</h2>
    ${reviewsPart(reviews)}
  </section>
</main>`,
  );
}

export function startPage(): string {
  return layout(`${nav(undefined)}
<main><section><h1>Welcome to the bookshop</h1>
<p class="lead">One book, four services, three opinions about stars.</p>
<p><a class="button" href="/productpage">Open the product page</a></p></section></main>`);
}

function detailsPart(details: Part<Details>): string {
  if (details.error !== undefined) return missing("Details are not available", details.error);
  const rows = Object.entries(details.value)
    .filter(([name]) => name !== "id")
    .map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(String(value))}</dd></div>`);
  return `<dl>${rows.join("")}</dl>`;
}

function reviewsPart(reviews: Part<Reviews>): string {
  if (reviews.error !== undefined) return missing("Reviews are not available", reviews.error);
  const cards = reviews.value.reviews.map(
    (review) =>
      `<blockquote><p>${escape(review.text)}</p><footer>— ${escape(review.reviewer)} ${stars(review.rating)}</footer></blockquote>`,
  );
  return `<div class="cards">${cards.join("")}</div>
    <p class="served">Reviews served by <code>${escape(reviews.value.podname)}</code> (${escape(reviews.value.version)}). Reload to meet another version.</p>`;
}

function stars(rating: Reviews["reviews"][number]["rating"]): string {
  if (!rating) return "";
  if (rating.stars === undefined)
    return `<span class="muted">${escape(rating.error ?? "no stars")}</span>`;
  const color = rating.color === "red" ? "red" : "black";
  const filled = Math.max(0, Math.min(5, rating.stars));
  return `<span class="stars ${color}" role="img" aria-label="${filled} of 5 stars">${"★".repeat(filled)}${"☆".repeat(5 - filled)}</span>`;
}

function missing(what: string, why: string): string {
  return `<p class="missing" role="alert"><strong>${what} right now.</strong> <span>${escape(why)}</span></p>`;
}

function nav(user: string | undefined): string {
  const session = user
    ? `<span>Hello, ${escape(user)}</span> <a href="/logout">Sign out</a>`
    : `<form method="post" action="/login"><label for="username">Name</label><input id="username" name="username" required maxlength="64" autocomplete="username"><button>Sign in</button></form>`;
  return `<header><a class="brand" href="/">Bookinfo</a><div class="session">${session}</div></header>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function layout(body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${TITLE}</title>
<style>
:root { color-scheme: light dark; --bg: #faf8f4; --card: #fff; --text: #23201b; --muted: #6d665b; --line: #e5dfd3; --accent: #7a2e1f; --red: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --bg: #191714; --card: #221f1b; --text: #ece7dd; --muted: #a59c8d; --line: #39342d; --accent: #e39a80; --red: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 16px/1.6 Georgia, "Times New Roman", serif; }
header { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; justify-content: space-between; padding: 12px 24px; border-bottom: 1px solid var(--line); font: 14px/1.4 system-ui, sans-serif; }
.brand { font-weight: 600; color: inherit; text-decoration: none; }
.session, form { display: flex; gap: 8px; align-items: center; }
input, button, .button { font: inherit; padding: 6px 12px; border: 1px solid var(--line); border-radius: 6px; background: var(--card); color: inherit; }
input { width: 9em; }
button, .button { background: var(--accent); border-color: var(--accent); color: var(--bg); text-decoration: none; cursor: pointer; }
main { max-width: 960px; margin: 0 auto; padding: 32px 24px 64px; }
.hero { display: grid; grid-template-columns: 200px 1fr; gap: 32px; align-items: start; }
.cover { aspect-ratio: 2 / 3; border-radius: 4px 8px 8px 4px; padding: 24px 16px; display: flex; flex-direction: column; justify-content: space-between; background: linear-gradient(105deg, #4d1a10 0 5%, #7a2e1f 5% 100%); color: #f6e7d3; font-size: 24px; line-height: 1.15; }
.cover small { font-size: 13px; }
h1 { margin: 0 0 8px; font-size: 34px; line-height: 1.2; font-weight: 500; }
h2 { margin: 40px 0 12px; font-size: 22px; font-weight: 500; }
.lead { margin: 0 0 20px; max-width: 60ch; }
dl { margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px 24px; font: 14px/1.4 system-ui, sans-serif; }
dt { color: var(--muted); text-transform: capitalize; } dd { margin: 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: 16px; }
blockquote { margin: 0; padding: 16px 20px; background: var(--card); border: 1px solid var(--line); border-radius: 6px; }
blockquote p { margin: 0 0 8px; } blockquote footer, .served, .muted { font: 14px/1.4 system-ui, sans-serif; color: var(--muted); }
.stars { font-size: 18px; letter-spacing: 2px; white-space: nowrap; } .stars.red { color: var(--red); } .stars.black { color: var(--text); }
.missing { padding: 12px 16px; border: 1px solid var(--red); border-radius: 6px; font: 14px/1.4 system-ui, sans-serif; }
@media (max-width: 560px) { .hero { grid-template-columns: 1fr; } .cover { width: 140px; } main { padding: 24px 16px 48px; } header { padding: 12px 16px; } }
</style>
</head>
<body>
${body}
</body>
</html>
`;
}
