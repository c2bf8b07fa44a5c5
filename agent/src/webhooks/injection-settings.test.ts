/** The settings of injection as an installation writes them. */
import { expect, it } from "vitest";
import { readInjectionSettings } from "./injection-settings.ts";

it("reads images, resources, templates and what holds for every proxy", () => {
  const { settings, problems } = readInjectionSettings(`
isDefault: false
agent: {host: heddle-agent-blue.mesh.svc, xdsPort: 15012}
proxyImage: registry.example/envoy:v1
resources: {requests: {cpu: 100m, memory: 1}}
templates: {team: {metadata: {labels: {team: shop}}}}
proxies: {concurrency: 2, image: {imageType: distroless}}
`);
  expect(problems).toEqual([]);
  expect(settings).toEqual({
    options: {
      isDefault: false,
      agent: { host: "heddle-agent-blue.mesh.svc", xdsPort: 15012 },
      proxyImage: "registry.example/envoy:v1",
      resources: { requests: { cpu: "100m", memory: "1" } },
      templates: { team: { metadata: { labels: { team: "shop" } } } },
    },
    proxies: { concurrency: 2, imageType: "distroless" },
  });
  expect(readInjectionSettings("").settings).toEqual({ options: {}, proxies: {} });
});

it.each([
  ["proxyImages: x", /proxyImages/],
  ["agent: {xdsPort: 0}", /^agent\.xdsPort: /],
  ["agent: {host: a_b}", /^agent\.host: no name and no address/],
  ["proxies: {concurrency: many}", /concurrency.*whole number/],
  ["a: [", /^line 1/],
  ["- a", /settings/],
])("%s is refused, and says why", (text, why) => {
  const { settings, problems } = readInjectionSettings(text);
  expect(settings).toBeUndefined();
  expect(problems.join("\n")).toMatch(why);
});
