/** Sets of values under a name, as Istio's users know them. */
import { laidOver } from "./laid-over.ts";
import { type GivenValues, PROFILES, type Values, valuesSchema } from "./values.ts";

export type Profile = (typeof PROFILES)[number];

const SMALL_GATEWAY = { replicas: 1, resources: { requests: { cpu: "10m", memory: "40Mi" } } };

/** What each sets, beside the defaults. */
export const profileValues: Readonly<Record<Profile, Omit<GivenValues, "profile">>> = {
  default: {},
  // To look at, on a laptop.
  demo: {
    agent: { replicas: 1, resources: { requests: { cpu: "20m", memory: "128Mi" } } },
    injection: { resources: { requests: { cpu: "10m", memory: "40Mi" } } },
    gateways: { ingress: SMALL_GATEWAY, egress: { ...SMALL_GATEWAY, enabled: true } },
    // With its plane and console; what they know goes with their pod.
    plane: {
      install: true,
      server: {
        traceSampling: 100,
        service: { type: "NodePort" },
        storage: { persistent: false },
        resources: { requests: { cpu: "20m", memory: "256Mi" } },
      },
    },
  },
  // The agent alone: rules are served to proxies that somebody else makes.
  minimal: {
    agent: { replicas: 1 },
    injection: { enabled: false },
    validation: { enabled: false },
    gateways: { ingress: { enabled: false } },
  },
  // What an agent outside of the cluster needs in it.
  remote: { agent: { enabled: false }, gateways: { ingress: { enabled: false } } },
};

/** What somebody wrote does not make an installation. Each problem names the value and what is wrong with it. */
export class ValuesError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.name = "ValuesError";
    this.problems = problems;
  }
}

/** Defaults, then the profile's, then those given, of which later ones count; throws `ValuesError`. */
export function valuesOf(...given: readonly object[]): Values {
  const values = laidTogether(given);
  const { agent, injection, validation, gateways, remote } = values;
  const callers = [injection, validation, gateways.ingress, gateways.egress];
  if (!agent.enabled && callers.some(({ enabled }) => enabled) && remote.address === "")
    throw new ValuesError([
      "remote.address: name the agent outside of the cluster, since agent.enabled is false",
    ]);
  return values;
}

/** All values as a profile has them, also of one that cannot do without somebody's own. */
export function profileDefaults(profile: Profile): Values {
  return laidTogether([{ profile }]);
}

function laidTogether(given: readonly object[]): Values {
  const merged = given.reduce<object>(laidOver, {});
  const wanted = (merged as { readonly profile?: unknown }).profile ?? "default";
  const profile = PROFILES.find((name) => name === wanted);
  if (profile === undefined)
    throw new ValuesError([
      `profile: there is no ${JSON.stringify(wanted)}; there are ${PROFILES.join(", ")}`,
    ]);
  const parsed = valuesSchema.safeParse(
    laidOver(laidOver(DEFAULTS, profileValues[profile]), merged),
  );
  if (!parsed.success)
    throw new ValuesError(
      parsed.error.issues.map(({ path, message }) => `${path.map(String).join(".")}: ${message}`),
    );
  return parsed.data;
}

const DEFAULTS: object = valuesSchema.parse({});
