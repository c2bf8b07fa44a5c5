/** Who may import whom (docs/ARCHITECTURE.md, "Rooms"). Tests may import what they need. */
const notTests = "\\.test\\.tsx?$|/(testing|behaviour)/";
const rule = (name, comment, from, to) => ({
  name,
  comment,
  severity: "error",
  from: { pathNot: notTests, ...from },
  to,
});
const ours = "^(packages|apps|agent|test|examples)/";
const only = (room, allowed) =>
  rule(
    `${room}-imports`,
    `packages/${room} may import only ${allowed.length ? allowed.join(", ") : "nothing"} of ours.`,
    { path: `^packages/${room}/src` },
    { path: ours, pathNot: `^packages/(${[room, ...allowed].join("|")})/` },
  );

module.exports = {
  forbidden: [
    only("model", []),
    only("envoy", []),
    only("pki", []),
    only("lock", []),
    only("analysis", ["model"]),
    only("delivery", ["model"]),
    only("telemetry", ["model"]),
    only("sync", ["model"]),
    only("client", ["model"]),
    only("kube", ["model", "injection"]),
    only("db", ["model", "lock"]),
    only("injection", ["model", "translate", "envoy"]),
    rule(
      "translate-imports",
      "translate imports model, and only types from envoy.",
      { path: "^packages/translate/src" },
      {
        path: ours,
        pathNot: "^packages/(translate|model|envoy)/",
      },
    ),
    rule(
      "envoy-types-only",
      "translate and injection take only types from envoy.",
      { path: "^packages/(translate|injection)/src" },
      {
        path: "^packages/envoy/",
        dependencyTypesNot: ["type-only"],
      },
    ),
    rule(
      "pure-packages",
      "Pure packages do no I/O: they run in a browser, in workerd and in Node.",
      {
        path: "^packages/(model|translate|injection|analysis|delivery|telemetry|pki|sync|client)/src",
      },
      { dependencyTypes: ["core"] },
    ),
    rule(
      "envoy-stays-out-of-the-plane",
      "The hosted plane never imports Envoy's API or the translation.",
      {
        path: "^apps/(api|console)/src",
      },
      { path: "^packages/(envoy|translate|injection)/" },
    ),
    rule(
      "only-db-knows-drizzle",
      "Only packages/db knows Drizzle.",
      { path: ours, pathNot: `^packages/db/|${notTests}` },
      {
        path: "node_modules/drizzle-orm",
      },
    ),
    rule(
      "only-agent-knows-grpc",
      "Only the agent knows gRPC.",
      { path: "^(packages|apps)/" },
      {
        path: "node_modules/@grpc/",
      },
    ),
    rule(
      "console-through-client",
      "The console knows the plane only through client.",
      { path: "^apps/console/src" },
      {
        path: ours,
        pathNot: "^(apps/console|packages/(client|model))/",
      },
    ),
    rule(
      "no-cycles",
      "No circular imports.",
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    ),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|gen)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "default"],
      extensions: [".ts", ".tsx", ".mjs", ".js"],
    },
  },
};
