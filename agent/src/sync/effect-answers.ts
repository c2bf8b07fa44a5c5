/** Answers what an object has become at the proxies connected here, short enough for one frame. */
import { toDocument } from "@heddle/model";
import { type Effect, MAX_EFFECT, MAX_FRAME_BYTES, MAX_REASON_CHARACTERS } from "@heddle/sync";
import type { Effect as ProxyEffect } from "@heddle/translate";
import { nameOf } from "../live-proxies.ts";
import type { Refusals } from "../refusal/refusals.ts";
import type { MergedModel } from "../sources/merge.ts";
import type { AdsServer } from "../xds/index.ts";
import { TYPE_NAMES } from "./convergence.ts";

export interface EffectSources {
  readonly model: Pick<MergedModel, "get" | "ownerOf">;
  readonly effectOf: (key: string) => readonly ProxyEffect[];
  readonly standing: AdsServer["standing"];
  readonly refusals: Pick<Refusals, "about" | "isHeld">;
  readonly sourceOf: (key: string) => string | undefined;
}

type Group = Effect["groups"][number];
type State = Group["proxies"][number]["state"];

/** What a frame has around the answer, and room for what JSON escapes. */
const ENVELOPE_BYTES = 4 * 1024;

export function createEffectAnswers(sources: EffectSources): (key: string) => Effect {
  return (key) => {
    const { model, refusals, sourceOf } = sources;
    const effects = sources.effectOf(key);
    const object = model.get(key);
    const owner = model.ownerOf(key);
    const source = sourceOf(key);
    const answer: Effect = {
      key,
      ...(owner === undefined || owner === "elsewhere" ? {} : { owner }),
      ...(source === undefined ? {} : { source }),
      ...(object && owner === "cluster" && object.kind !== "Secret"
        ? { document: toDocument(object) }
        : {}),
      held: refusals.isHeld(key),
      proxies: effects.length,
      groups: groupsOf(effects, sources),
      refusals: refusals
        .about(key)
        .slice(0, MAX_EFFECT.refusals)
        .map(({ proxy, type, resource, reason }) => ({
          proxy,
          type: TYPE_NAMES[type],
          resource,
          reason: reason.slice(0, MAX_REASON_CHARACTERS),
        })),
    };
    return fitting(answer);
  };
}

/** Proxies that have the same resources together. */
function groupsOf(
  effects: readonly ProxyEffect[],
  { standing }: Pick<EffectSources, "standing">,
): Group[] {
  const groups = new Map<string, { resources: Group["resources"]; proxies: Group["proxies"] }>();
  for (const { proxy, resources } of effects) {
    const named = resources
      .map(({ type, name }) => ({ type: TYPE_NAMES[type], name }))
      .toSorted((a, b) => (a.type + a.name < b.type + b.name ? -1 : 1));
    const standings = resources.map(({ type, name }) => standing(proxy.id, type, name));
    const state: State = standings.includes("refused")
      ? "refused"
      : standings.includes("waiting")
        ? "waiting"
        : "accepted";
    const text = JSON.stringify(named);
    const group = groups.get(text) ?? { resources: named, proxies: [] };
    group.proxies.push({ name: nameOf(proxy), state });
    groups.set(text, group);
  }
  return [...groups.values()]
    .toSorted((a, b) => b.proxies.length - a.proxies.length)
    .slice(0, MAX_EFFECT.groups)
    .map(({ resources, proxies }) => ({
      resources: resources.slice(0, MAX_EFFECT.resources),
      allResources: resources.length,
      proxies: proxies.toSorted(byTrouble).slice(0, MAX_EFFECT.proxies),
      allProxies: proxies.length,
    }));
}

const TROUBLE: Readonly<Record<State, number>> = { refused: 0, waiting: 1, accepted: 2 };

/** Those that something is wrong with are named first. */
function byTrouble(a: Group["proxies"][number], b: Group["proxies"][number]): number {
  return TROUBLE[a.state] - TROUBLE[b.state] || (a.name < b.name ? -1 : 1);
}

/** The document goes first, then names: numbers stay. */
function fitting(answer: Effect): Effect {
  const fits = (each: Effect) =>
    Buffer.byteLength(JSON.stringify(each)) <= MAX_FRAME_BYTES - ENVELOPE_BYTES;
  if (fits(answer)) return answer;
  let { document: _, ...shorter }: Effect = answer;
  for (let share = 2; !fits(shorter) && share <= 64; share *= 2) {
    shorter = {
      ...shorter,
      groups: shorter.groups.slice(0, Math.ceil(MAX_EFFECT.groups / share)).map((group) => ({
        ...group,
        resources: group.resources.slice(0, Math.ceil(MAX_EFFECT.resources / share)),
        proxies: group.proxies.slice(0, Math.ceil(MAX_EFFECT.proxies / share)),
      })),
    };
  }
  return shorter;
}
