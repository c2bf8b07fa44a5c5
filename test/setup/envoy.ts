/** Makes sure that tests find a real Envoy, and that a missing one fails the run in CI. */
export default function setup(): void {
  if (!process.env["HEDDLE_ENVOY"] && process.env["CI"])
    throw new Error("HEDDLE_ENVOY is not set: tests need a real Envoy in CI.");
}
