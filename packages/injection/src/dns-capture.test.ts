/** Whether a pod's questions to resolvers are led to its proxy, and what is told where they are not. */
import { describe, expect, test } from "vitest";
import { captureOf } from "./capture.ts";
import { capturesDns } from "./dns-capture.ts";
import type { Finding } from "./finding.ts";

function asked(
  variables: Readonly<Record<string, string>>,
  { interception = "REDIRECT", annotations = {} } = {},
) {
  const found: Finding[] = [];
  const report = (finding: Finding) => void found.push(finding);
  const capture = captureOf(annotations, report);
  const led = capturesDns(variables, { interception, capture }, report);
  return { led, told: found.map(({ code, message }) => `${code} ${message}`) };
}

const CAPTURE = { ISTIO_META_DNS_CAPTURE: "true" };
const ALLOCATE = { ISTIO_META_DNS_AUTO_ALLOCATE: "true" };

describe("questions to resolvers", () => {
  test("are led to the proxy where its variables ask for that, and addresses are given without being asked for", () => {
    expect(asked(CAPTURE)).toEqual({ led: true, told: [] });
    expect(asked({ ...CAPTURE, ...ALLOCATE })).toEqual({ led: true, told: [] });
    expect(asked({})).toEqual({ led: false, told: [] });
    expect(asked({ ISTIO_META_DNS_CAPTURE: "false" })).toEqual({ led: false, told: [] });
  });

  test("are not where nobody would ask, or nothing leads them, and that is told", () => {
    expect(asked(ALLOCATE).told).toEqual([
      "HDL6002 ISTIO_META_DNS_AUTO_ALLOCATE has no effect here: without ISTIO_META_DNS_CAPTURE nobody asks the proxy",
    ]);
    expect(asked(CAPTURE, { interception: "NONE" })).toEqual({
      led: false,
      told: [
        "HDL6002 ISTIO_META_DNS_CAPTURE has no effect here: with interception NONE nothing leads questions to the proxy",
      ],
    });
    const annotations = { "traffic.sidecar.istio.io/excludeOutboundPorts": "53" };
    expect(asked(CAPTURE, { annotations })).toEqual({
      led: false,
      told: ["HDL6002 ISTIO_META_DNS_CAPTURE has no effect here: port 53 is not led to the proxy"],
    });
  });
});
