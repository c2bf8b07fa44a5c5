/** A real Chromium walks the console on the live demo, in light and dark, wide and narrow, and keeps a picture of each page. */
import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { launchChromium } from "../harness/chromium.ts";
import {
  type DemoProcess,
  heddle,
  removeDemoData,
  ROOT,
  startDemoProcess,
} from "../harness/demo-process.ts";

const PICTURES = path.join(ROOT, "test/screenshots");
/** Long enough for two scrapes of every proxy and for the first traces. */
const TRAFFIC_MS = 20_000;

let demo: DemoProcess;
let browser: Browser;

beforeAll(async () => {
  [demo, browser] = await Promise.all([
    startDemoProcess({ port: 8761, gatewayPort: 8762, block: 44, rate: 20 }),
    launchChromium(),
  ]);
  await mkdir(PICTURES, { recursive: true });
  await new Promise((resolve) => setTimeout(resolve, TRAFFIC_MS));
});
afterAll(async () => {
  await browser?.close();
  await demo?.stop();
  await removeDemoData(demo);
});

/** The overview's numbers of the whole mesh. */
const SIGNALS =
  /([\d.]+)\s+requests per second\s+([\d.]+ ?%)\s+of requests fail\s+([\d.]+ ?m?s)\s+p50 latency\s+([\d.]+ ?m?s)\s+p95 latency/;

/** Each page with words that it must show once its data is there. */
const PAGES: readonly (readonly [name: string, address: string, words: readonly RegExp[]])[] = [
  [
    "overview",
    "/",
    [/Everything is healthy|Nothing is failing/, SIGNALS, /What changed lately/, /Meshes/],
  ],
  ["graph", "/m/demo/graph", [/productpage/, /reviews/]],
  ["services", "/m/demo/services", [/productpage/, /reviews/, /ratings/, /details/]],
  ["service", "/m/demo/services/reviews.default.svc.cluster.local", [/reviews/, /v[123]/]],
  ["traces", "/m/demo/traces", [/productpage/]],
  ["logs", "/m/demo/logs", [/GET/]],
  ["config", "/m/demo/config", [/VirtualService/, /bookinfo/]],
  ["object", "/m/demo/config/VirtualService/default/bookinfo", [/productpage/]],
  ["new", "/m/demo/config/new", [/New object/, /kind: VirtualService/, /nothing wrong/]],
  [
    "review",
    "/m/demo/config/new?tab=review",
    [/What changes/, /VirtualService default\/reviews.* is created/, /called by productpage/],
  ],
  ["revisions", "/m/demo/revisions", [/Bookinfo: gateway and versions/]],
  ["revision", "/m/demo/revisions/1", [/bookinfo/]],
  ["proxies", "/m/demo/proxies", [/productpage-v1-0/, /istio-ingressgateway-0/]],
  ["agents", "/m/demo/agents", [/local/]],
  [
    "security",
    "/m/demo/security",
    [
      /all renewed in time/,
      /Roots\s+trust domain cluster\.local[^]*signs/,
      /Nobody is revoked/,
      /\/ns\/default\/sa\/bookinfo-reviews/,
    ],
  ],
  ["settings", "/settings", [/Organisation/, /trust domain|Trace sampling/i, /Tokens/]],
];

interface Look {
  readonly scheme: "light" | "dark";
  readonly width: number;
}

const LOOKS: readonly Look[] = [
  { scheme: "light", width: 1440 },
  { scheme: "dark", width: 1440 },
  { scheme: "light", width: 390 },
  { scheme: "dark", width: 390 },
];

async function open({
  scheme,
  width,
}: Look): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
  const context = await browser.newContext({
    colorScheme: scheme,
    viewport: { width, height: width < 600 ? 844 : 900 },
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  await page.goto(`${demo.url}/#token=${demo.token}`);
  await page.locator("main").first().waitFor({ timeout: 15_000 });
  return { context, page, complaints };
}

test.each(LOOKS)("every page in $scheme at $width px", async (look) => {
  const { context, page, complaints } = await open(look);
  for (const [name, address, words] of PAGES) {
    await page.goto(`${demo.url}${address}`);
    for (const word of words) {
      await expect
        .poll(() => page.locator("body").innerText(), {
          timeout: 15_000,
          message: `${name} shows ${word}`,
        })
        .toMatch(word);
    }
    await page.waitForTimeout(400);
    await page.screenshot({
      path: path.join(PICTURES, `${name}-${look.scheme}-${look.width}.png`),
    });
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(sideways, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
  }
  await context.close();
  expect(complaints).toEqual([]);
});

test("from the list of traces to one trace's waterfall", async () => {
  const { context, page, complaints } = await open({ scheme: "light", width: 1440 });
  await page.goto(`${demo.url}/m/demo/traces`);
  await page.locator('a[href*="/traces/"]').first().click();
  await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
  await expect
    .poll(() => page.locator("body").innerText(), { timeout: 15_000 })
    .toMatch(/reviews|details/);
  await page.screenshot({ path: path.join(PICTURES, "trace-light-1440.png") });
  await context.close();
  expect(complaints).toEqual([]);
});

/** Takes a picture of what a test shows, in the one look that it runs in. */
const picture = (page: Page, name: string) =>
  page.screenshot({ path: path.join(PICTURES, `${name}-light-1440.png`) });

const textOf = (page: Page, region: string) =>
  page.getByRole("region", { name: region, exact: true }).innerText();

test("the overview says that all is well, in numbers", async () => {
  const { context, page } = await open({ scheme: "light", width: 1440 });
  await page.goto(demo.url);
  await expect
    .poll(() => page.locator("main").innerText())
    .toMatch(/Everything is healthy|Nothing is failing/);
  const traffic = () => textOf(page, "Traffic of the mesh");
  await expect.poll(traffic).toMatch(SIGNALS);
  const [, rate, errors, p50, p95] = SIGNALS.exec(await traffic()) ?? [];
  // Of 20 pages a second each asks for details and reviews, and two of three of the reviews for ratings.
  expect(Number(rate), await traffic()).toBeGreaterThan(20 * 2);
  expect(Number(rate)).toBeLessThan(20 * 5);
  expect(errors).toMatch(/^0 ?%$/);
  expect(parseFloat(p50 ?? "")).toBeGreaterThan(0);
  expect(parseFloat(p95 ?? "")).toBeGreaterThan(0);
  expect(await textOf(page, "What changed lately")).toMatch(
    /1\s+Bookinfo: gateway and versions[^]*applied\s+in \d/,
  );
  expect(await textOf(page, "Meshes")).toMatch(/demo\s+cluster\.local[^]*applied\s+revision 1/);
  await context.close();
});

test("the graph has a lock and numbers on every edge", async () => {
  const { context, page } = await open({ scheme: "light", width: 1440 });
  await page.goto(`${demo.url}/m/demo/graph`);
  const nodes = page.locator("[data-node]");
  const named = async () => (await nodes.allInnerTexts()).map((text) => text.split("\n")[0]);
  await expect
    .poll(async () => (await named()).join(), { timeout: 15_000 })
    .toMatch(/(?=.*productpage)(?=.*details)(?=.*reviews)(?=.*ratings)/);
  const labels = page.locator(".edge-label");
  await expect.poll(() => labels.count()).toBeGreaterThanOrEqual(4);
  expect(await page.locator("path.edge__line").count()).toBe(await labels.count());
  const words = await labels.evaluateAll((all) => all.map((each) => each.getAttribute("title")));
  const inside = words.filter((each) => each?.endsWith("mutual TLS"));
  for (const each of words) {
    expect(each).toMatch(/^\w+: [\d.]+ http requests per second, 0 ?% fail, p95 [\d.]+ ?m?s, /);
    expect(each).not.toMatch(/ 0 http requests/);
  }
  // Gateway to productpage, productpage to details and to reviews, reviews to ratings.
  expect(inside, JSON.stringify(words)).toHaveLength(4);
  const seen = await labels.first().innerText();
  expect(seen).toMatch(/[\d.]+\/s\s+0 ?%\s*[\d.]+ ?m?s/);
  await context.close();
});

test("the log's tail grows while it is live, and holds still when it is paused", async () => {
  const { context, page } = await open({ scheme: "light", width: 1440 });
  await page.goto(`${demo.url}/m/demo/logs`);
  const count = async () =>
    Number(await page.getByRole("table", { name: "Log lines" }).getAttribute("aria-rowcount"));
  await page.getByText("following").waitFor();
  await expect.poll(count).toBeGreaterThan(0);
  const before = await count();
  await expect.poll(count).toBeGreaterThan(before + 20);

  await page.goto(`${demo.url}/m/demo/logs?q=${encodeURIComponent("path ~ /api/v1/products")}`);
  await page.getByText("following").waitFor();
  await page.getByText("No line fits").waitFor();
  await fetch(`${demo.gatewayUrl}/api/v1/products/0/ratings`);
  await expect
    .poll(() => page.getByRole("row").allInnerTexts(), { timeout: 15_000 })
    .toContainEqual(expect.stringMatching(/200[^]*GET \/api\/v1\/products\/0\/ratings/));

  await page.goto(`${demo.url}/m/demo/logs`);
  await expect.poll(count).toBeGreaterThan(0);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Follow" }).waitFor();
  const paused = await settledCount(count);
  await page.waitForTimeout(3_000);
  expect(await count()).toBe(paused);
  await context.close();
});

/** What a count is once the last answers that were under way have come. */
async function settledCount(count: () => Promise<number>): Promise<number> {
  for (let last = -1; ;) {
    const now = await count();
    if (now === last) return now;
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}

test("a rule is edited: a mistake is named and mended, the change reviewed, applied, seen by every proxy, and rolled back", async () => {
  const { context, page, complaints } = await open({ scheme: "light", width: 1440 });
  const gateway = async () => {
    const response = await fetch(`${demo.gatewayUrl}/walked`);
    return `${response.status} ${await response.text()}`;
  };
  expect(await gateway()).toBe("404 ");
  await page.goto(`${demo.url}/m/demo/config/VirtualService/default/bookinfo`);
  const content = page.locator(".cm-content");
  await content.waitFor();
  const read = async () => (await page.locator(".cm-line").allTextContents()).join("\n");
  await expect.poll(read).toMatch(/exact: \/productpage/);
  const stored = await read();
  const write = async (text: string) => {
    await content.click();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText(text);
    await expect.poll(read).toBe(text);
  };
  const analysis = () => textOf(page, "Analysis");
  await expect.poll(analysis).toMatch(/nothing wrong/);

  const route = /^( *)- uri:\n( *)exact: \/productpage$/m;
  expect(stored).toMatch(route);
  await write(stored.replace(route, "$&\n$1- uri:\n$2exactly: /walked"));
  await expect
    .poll(analysis)
    .toMatch(/2 errors[^]*no field "exactly"\s+Did you mean exact\?\s+HDL0010/);
  await expect
    .poll(async () => (await page.locator(".cm-lintRange-error").allInnerTexts()).join())
    .toMatch(/exactly/);
  await picture(page, "mistake");
  await page.getByRole("button", { name: "Review" }).click();
  await page.getByText("Back to the draft").waitFor();
  await expect.poll(() => page.locator("main").innerText()).toMatch(/exactly/);
  expect(await page.getByRole("button", { name: "Apply" }).isDisabled()).toBe(true);
  await page.getByText("Back to the draft").click();

  const mended = stored.replace(route, "$&\n$1- uri:\n$2exact: /walked");
  await write(mended);
  await expect.poll(analysis).toMatch(/nothing wrong/);
  await page.getByRole("button", { name: "Review" }).click();
  await page.waitForURL(/tab=review/);
  const difference = () => textOf(page, "Difference");
  await expect.poll(difference).toMatch(/default\/bookinfo is changed[^]*exact: \/walked/);
  expect(await gateway()).toBe("404 ");
  await page.getByLabel("Why this change").fill("A walk through the editor");
  await picture(page, "review-of-change");
  await page.getByRole("button", { name: "Apply" }).click();

  await page.waitForURL(/sel=2/);
  const everyProxy = /applied[^]*(\d+) of \1 proxies have it, after [\d.]+ ?m?s/;
  await expect.poll(() => textOf(page, "Revision 2")).toMatch(everyProxy);
  expect(await textOf(page, "Revision 2")).toMatch(/7 of 7/);
  expect(await gateway()).toMatch(/^404 .*no such page; try \/productpage/);
  await expect.poll(read).toBe(mended);
  await picture(page, "applied");

  await page.getByRole("button", { name: "Roll back to 1" }).click();
  await page.waitForURL(/sel=3/);
  await expect.poll(() => textOf(page, "Revision 3")).toMatch(everyProxy);
  // The database keeps what a document says, and not the order of its keys.
  await expect.poll(async () => parse(await read())).toEqual(parse(stored));
  expect(await gateway()).toBe("404 ");
  await page.goto(`${demo.url}/m/demo/revisions`);
  await expect
    .poll(() => page.locator("main").innerText())
    .toMatch(/3[^]*2[^]*A walk through the editor[^]*1[^]*Bookinfo: gateway and versions/);
  await picture(page, "after-the-walk");
  await context.close();
  // The browser tells of the refused draft by itself.
  expect(complaints.filter((each) => !/status of 422/.test(each))).toEqual([]);
});

test("without a token the console asks for one, refuses a wrong one with a reason, and takes the right one", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${demo.url}/m/demo/graph`);
  const field = page.getByLabel(/token/i).first();
  await field.waitFor();
  await field.fill("not-a-token");
  await field.press("Enter");
  await expect.poll(() => page.locator("body").innerText()).toMatch(/does not take this token/);
  await page.screenshot({ path: path.join(PICTURES, "sign-in-refused.png") });
  await field.fill(demo.token);
  await field.press("Enter");
  // It leads to where one wanted to go, and a reload finds one signed in.
  await page.locator("[data-node]").first().waitFor();
  expect(new URL(page.url()).pathname).toBe("/m/demo/graph");
  expect(page.url()).not.toContain(demo.token);
  await page.reload();
  await page.locator("[data-node]").first().waitFor();
  await context.close();
});

const POLICIES = [
  {
    name: "deny-ratings",
    app: "ratings",
    spec: { action: "DENY", rules: [{ to: [{ operation: { paths: ["/ratings*"] } }] }] },
  },
  {
    name: "reviews-only",
    app: "details",
    spec: {
      action: "ALLOW",
      rules: [
        {
          from: [{ source: { principals: ["cluster.local/ns/default/sa/bookinfo-reviews"] } }],
          to: [{ operation: { methods: ["GET"] } }],
        },
      ],
    },
  },
].map(({ name, app, spec }) => ({
  apiVersion: "security.istio.io/v1",
  kind: "AuthorizationPolicy",
  metadata: { name, namespace: "default" },
  spec: { selector: { matchLabels: { app } }, ...spec },
}));

test("what a policy refuses is named in logs and traces with the policy, and the terminal says what it lacks", async () => {
  const applied = await fetch(`${demo.url}/v1/meshes/demo/apply`, {
    method: "POST",
    headers: { authorization: `Bearer ${demo.token}`, "content-type": "application/json" },
    body: JSON.stringify({ objects: POLICIES }),
  });
  expect(applied.status, await applied.clone().text()).toBe(200);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  for (const look of LOOKS) {
    const { context, page, complaints } = await open(look);
    const shot = (name: string) =>
      page.screenshot({ path: path.join(PICTURES, `${name}-${look.scheme}-${look.width}.png`) });
    await page.goto(
      `${demo.url}/m/demo/logs?q=${encodeURIComponent("refused = yes to = details-v1 reporter = destination")}`,
    );
    const why = page.getByText("Let in by no AuthorizationPolicy default/reviews-only").first();
    // A phone has two lines for each request, and no room for the reason.
    await why.waitFor({ state: look.width < 600 ? "attached" : "visible" });
    await page.getByRole("row").last().click();
    /** A trace may have several. */
    const refusals = async () =>
      (await page.getByRole("region", { name: "Refusal", exact: true }).allInnerTexts()).join("\n");
    await expect
      .poll(refusals, { timeout: 15_000 })
      .toMatch(
        /Let in by no AuthorizationPolicy default\/reviews-only[^]*still be refused[^]*rule 0 of default\/reviews-only\s+source\.principals\s+wants cluster\.local\/ns\/default\/sa\/bookinfo-reviews, has spiffe:\/\/cluster\.local\/ns\/default\/sa\/bookinfo-productpage/,
      );
    await shot("refusal");
    await page.getByRole("link", { name: "Trace", exact: true }).click();
    await page.waitForURL(/\/traces\/[0-9a-f]{32}/);
    await page.getByText("Logs of this trace").waitFor();
    await expect
      .poll(refusals, { timeout: 15_000 })
      .toMatch(/Let in by no AuthorizationPolicy[^]*still be refused/);
    await shot("refusal-in-trace");
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(sideways).toBeLessThanOrEqual(0);
    await page.getByRole("link", { name: "default/reviews-only" }).first().click();
    await page.waitForURL(/config\/AuthorizationPolicy\/default\/reviews-only/);
    await context.close();
    // The browser tells of a trace that was not sampled by itself.
    expect(complaints.filter((each) => !/status of 404/.test(each))).toEqual([]);
  }
  const env = { HEDDLE_URL: demo.url, HEDDLE_TOKEN: demo.token, HEDDLE_MESH: "demo" };
  const explain = (...args: string[]) => heddle(["explain", ...args], env);
  const last = await explain("--denials", "default/ratings-v1", "--limit", "1");
  expect(last.stdout).toMatch(
    /refused by AuthorizationPolicy default\/deny-ratings rule 0[^]*✘ deny: Rule 0 of AuthorizationPolicy default\/deny-ratings, of action DENY, matches\.[^]*Now it would be refused\./,
  );
  expect(last.code).toBe(1);
  const asked = await explain(
    ...["--to", "default/details-v1:9080", "--from", "default/reviews-v1", "-o", "json"],
  );
  expect(JSON.parse(asked.stdout)[0].answer.explanation).toMatchObject({ outcome: "passes" });
  expect(asked.code).toBe(0);
  const nobody = await explain("--to", "default/nobody:9080");
  expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining("HDL9128") });
});
