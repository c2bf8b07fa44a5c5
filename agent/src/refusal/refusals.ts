/** What proxies refuse, and the objects to blame: looked for as refusals come, told until they are mended. */
import { type Diagnostic, type MeshObject, parseObjectKey } from "@heddle/model";
import type { Change } from "@heddle/translate";
import { agentCodes } from "../agent-error.ts";
import type { AgentLog } from "../log.ts";
import type { AdsServer, ProxyStatus, ResourceType } from "../xds/index.ts";
import { createCulpritFinder, type FinderParts, type RefusedResource } from "./culprit-finder.ts";
import { createHolds } from "./holds.ts";
import type { SavedHold } from "./saved-holds.ts";

/** A refusal with what is known of its cause. */
export interface BlamedRefusal extends RefusedResource {
  /** Keys of the objects to blame; none while they are looked for. */
  readonly objects: readonly string[];
  /** An earlier value of them stays in force, so that everything else goes on. */
  readonly held: boolean;
}

export interface Refusals {
  /** What the translation is to have of the model's changes. */
  pass(changes: readonly Change[]): Change[];
  /** What one proxy refuses: what it says now, and what is held back because it did. */
  of(proxy: ProxyStatus): readonly BlamedRefusal[];
  /** What an object, by its key, is to blame for. */
  about(key: string): readonly BlamedRefusal[];
  isHeld(key: string): boolean;
  /** What stays in force in the place of objects on hold. */
  substitutes(): readonly MeshObject[];
  diagnostics(): Diagnostic[];
  /** Calls back when something that is told has changed, with the node ids of the proxies concerned. */
  onChange(listener: (ids: readonly string[]) => void): void;
  /** Resolves when nothing is being looked for. */
  settled(): Promise<void>;
  close(): void;
}

export interface RefusalsParts extends Pick<
  FinderParts,
  "origins" | "effectOf" | "apply" | "settled"
> {
  readonly ads: Pick<AdsServer, "status" | "onStatus" | "standing">;
  readonly saved: readonly SavedHold[];
  readonly save: (holds: readonly SavedHold[]) => void;
  readonly log: AgentLog;
}

/** An object is proven when so long has passed and every proxy is in step, milliseconds. */
const PROVEN_AFTER = 10_000;

export function createRefusals(parts: RefusalsParts): Refusals {
  const { ads, saved, save, log } = parts;
  const holds = createHolds(saved, Date.now);
  const finder = createCulpritFinder({
    ...parts,
    holds,
    standing: (id, type, resource) => ads.standing(id, type, resource),
    status: () => ads.status(),
  });
  /** By proxy, type and resource: what was found. */
  const found = new Map<string, BlamedRefusal>();
  /** Of objects on hold: whose refusal it was. */
  const behind = new Map<string, RefusedResource[]>(
    saved.map(({ key, refusals }) => [key, refusals]),
  );
  /** Whose cause is still looked for. */
  const waiting = new Map<string, RefusedResource>();
  const listeners: ((ids: readonly string[]) => void)[] = [];
  let working: Promise<void> | undefined;
  let closed = false;

  const tell = (ids: Iterable<string>) => {
    save(
      holds.all().map((hold) => ({ ...hold, refusals: (behind.get(hold.key) ?? []).slice(0, 20) })),
    );
    for (const listen of listeners) listen([...new Set(ids)]);
  };
  const work = async () => {
    for (const [key, refused] of waiting) {
      if (closed) return;
      const finding = await finder.find(refused);
      waiting.delete(key);
      if (!finding) {
        joinHold(refused);
        tell([refused.id]);
        continue;
      }
      const { objects, held } = finding;
      found.set(key, { ...refused, objects, held: held.length > 0 });
      for (const each of held) behind.set(each, [...(behind.get(each) ?? []), refused]);
      log.warn("HDL7220: a proxy refuses what an object became", {
        proxy: refused.proxy,
        type: refused.type,
        resource: refused.resource,
        objects,
        held,
      });
      tell([refused.id]);
    }
  };
  /** Another proxy that refused the same, and takes what is there instead. */
  const joinHold = (refused: RefusedResource): void => {
    for (const [key, known] of behind) {
      const alike = known.some(
        ({ type, reason }) => type === refused.type && reason === refused.reason,
      );
      if (!alike || !holds.all().some((hold) => hold.key === key)) continue;
      if (known.every((each) => textOf(each) !== textOf(refused)))
        behind.set(key, [...known, refused]);
    }
  };
  const look = (refused: RefusedResource) => {
    const key = textOf(refused);
    const known = found.get(key);
    if (waiting.has(key) || known?.reason === refused.reason) return;
    waiting.set(key, refused);
    working ??= work().finally(() => {
      working = undefined;
    });
  };
  const stop = ads.onStatus((changed) => {
    for (const proxy of changed) {
      const now = liveRefusals(proxy);
      const keys = new Set(now.map(textOf));
      for (const [key, { id, held }] of found)
        if (id === proxy.id && !held && !keys.has(key)) found.delete(key);
      for (const refused of now) look(refused);
    }
  });
  const timer = setInterval(() => {
    if (!working && ads.status().every(({ inStep }) => inStep))
      holds.prove(Date.now() - PROVEN_AFTER);
  }, PROVEN_AFTER);
  timer.unref();

  const heldRefusals = (): BlamedRefusal[] =>
    holds
      .all()
      .flatMap(({ key }) =>
        (behind.get(key) ?? []).map((refused) => ({ ...refused, objects: [key], held: true })),
      );
  const all = () => [...heldRefusals(), ...[...found.values()].filter(({ held }) => !held)];
  return {
    pass(changes) {
      const { changes: passed, released } = holds.pass(changes);
      if (released.length > 0) {
        const ids = released.flatMap((key) => (behind.get(key) ?? []).map(({ id }) => id));
        for (const key of released) behind.delete(key);
        for (const [key, { objects }] of found)
          if (objects.some((each) => released.includes(each))) found.delete(key);
        tell(ids);
      }
      return passed;
    },
    of(proxy) {
      const all = new Map<string, BlamedRefusal>();
      for (const refused of heldRefusals())
        if (refused.id === proxy.id) all.set(textOf(refused), refused);
      for (const refused of waiting.values())
        if (refused.id === proxy.id) all.set(textOf(refused), { ...refused, ...UNKNOWN });
      for (const refused of liveRefusals(proxy)) {
        const key = textOf(refused);
        const known = found.get(key);
        all.set(key, {
          ...refused,
          objects: known?.objects ?? all.get(key)?.objects ?? [],
          held: known?.held ?? false,
        });
      }
      return [...all.values()];
    },
    about: (key) => all().filter(({ objects }) => objects.includes(key)),
    isHeld: (key) => holds.all().some((hold) => hold.key === key),
    substitutes: () => holds.all().flatMap(({ substitute }) => substitute ?? []),
    diagnostics() {
      const byObject = new Map<string, BlamedRefusal[]>();
      for (const refused of all())
        for (const key of refused.objects)
          byObject.set(key, [...(byObject.get(key) ?? []), refused]);
      return [...byObject].map(([key, refused]) => diagnosticOf(key, refused));
    },
    onChange(listen) {
      listeners.push(listen);
    },
    async settled() {
      while (working) await working;
    },
    close() {
      closed = true;
      clearInterval(timer);
      stop();
    },
  };
}

/** Of a refusal whose cause is still looked for. */
const UNKNOWN = { objects: [], held: false } as const;

function liveRefusals(proxy: ProxyStatus): RefusedResource[] {
  return Object.entries(proxy.types).flatMap(([type, { refusals = [] }]) =>
    refusals.map(({ resource, reason }) => ({
      id: proxy.id,
      proxy: proxy.name,
      type: type as ResourceType,
      resource,
      reason,
    })),
  );
}

function textOf({ id, type, resource }: RefusedResource): string {
  return `${id} ${type} ${resource}`;
}

function diagnosticOf(key: string, refused: readonly BlamedRefusal[]): Diagnostic {
  const [first] = refused as [BlamedRefusal];
  const proxies = [...new Set(refused.map(({ proxy }) => proxy))];
  const more = proxies.length > 1 ? ` and ${proxies.length - 1} more` : "";
  const held = refused.some((each) => each.held);
  const sure = held || refused.some(({ objects }) => objects.length === 1);
  const after = held
    ? "what it was before stays in force, and all other changes go on"
    : `the ${first.type} stays as it was there, and all others go on`;
  return {
    code: "HDL7220",
    level: "Error",
    message: `${sure ? "" : "Perhaps because of this object, "}Envoy refuses ${first.type} ${first.resource} at ${first.proxy}${more}: ${first.reason}; ${after}`,
    origin: originOfKey(key),
    remedy: agentCodes.HDL7220,
  };
}

function originOfKey(key: string): string {
  const { kind = key, namespace = "", name = "" } = parseObjectKey(key) ?? {};
  return namespace === "" ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
