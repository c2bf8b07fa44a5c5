import { expect, it } from "vitest";
import { type AddonFlags, addonObjects, namedAddons } from "./chosen.ts";

const FLAGS: AddonFlags = { namespace: "watch", pullSecret: [], retention: "15d" };
const kinds = (flags: Partial<AddonFlags>) =>
  addonObjects(["prometheus"], { ...FLAGS, ...flags }).map(({ kind }) => kind);
const sources = (flags: Partial<AddonFlags>) =>
  addonObjects(["grafana"], { ...FLAGS, ...flags }).flatMap(({ data }) =>
    Object.entries((data ?? {}) as Record<string, string>).flatMap(([name, text]) =>
      name === "datasources.yaml" ? /url: (\S+)/.exec(text)?.[1] : [],
    ),
  );

it("takes all where none is named, in the order in which they need each other", () => {
  expect(namedAddons([])).toEqual(["prometheus", "grafana"]);
  expect(namedAddons(["grafana"])).toEqual(["grafana"]);
  expect(namedAddons(["grafana", "prometheus"])).toEqual(["prometheus", "grafana"]);
});

it("asks the Prometheus beside it, or the one that is named", () => {
  expect(sources({})).toEqual(["http://prometheus.watch.svc:9090"]);
  expect(sources({ prometheusUrl: "http://other:80" })).toEqual(["http://other:80"]);
});

it("runs no Prometheus where an operator has one", () => {
  expect(kinds({ podMonitor: true })).toEqual(["PodMonitor"]);
  const [monitor] = addonObjects(["prometheus"], { ...FLAGS, podMonitor: "release=a,team=b" });
  expect(monitor?.metadata.labels).toMatchObject({ release: "a", team: "b" });
});

it("makes another password each time", () => {
  const password = () =>
    addonObjects(["grafana"], FLAGS).find(({ kind }) => kind === "Secret")?.["data"];
  expect(password()).not.toEqual(password());
});

it.each<[string, Partial<AddonFlags>, RegExp]>([
  ["labels that are none", { podMonitor: "release" }, /--pod-monitor release/],
  ["a class of no volume", { storageClass: "fast" }, /--storage-class/],
  ["an operator's Prometheus that nobody named", { podMonitor: true }, /nobody said where/],
])("refuses with HDL9080 %s", (_, flags, said) => {
  expect(() => addonObjects(["prometheus", "grafana"], { ...FLAGS, ...flags })).toThrow(
    expect.objectContaining({
      code: "HDL9080",
      exitCode: 2,
      message: expect.stringMatching(said) as unknown,
    }),
  );
});
