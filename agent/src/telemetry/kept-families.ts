/** A proxy's families in little memory, until Prometheus asks for them: as text, compressed, a hundredth of what they are as objects. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { type Family, parsePrometheus, writePrometheus } from "@heddle/telemetry";

export type KeptFamilies = Uint8Array;

export function keepFamilies(families: readonly Family[]): KeptFamilies {
  return deflateRawSync(writePrometheus(families), { level: 1 });
}

export function familiesOf(kept: KeptFamilies): Family[] {
  return parsePrometheus(inflateRawSync(kept).toString("utf8"));
}
