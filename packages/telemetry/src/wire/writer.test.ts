import { BinaryReader } from "@bufbuild/protobuf/wire";
import { expect, test } from "vitest";
import { WireWriter } from "./writer.ts";

/** The buffer's first size, and doubled once: where a text may not fit any more. */
const SIZES = [1024, 2048];

test("texts of any length come back from wherever the buffer has to grow", () => {
  for (const size of SIZES)
    for (let before = size - 160; before <= size; before++)
      for (const text of ["", "ࠀ", "𐀀", "ab", "ࠀ".repeat(42), "ࠀ".repeat(43), "x".repeat(128)]) {
        const writer = new WireWriter();
        writer.bytesValue(1, new Uint8Array(before));
        writer.text(2, text, true);
        writer.text(3, "end");
        const reader = new BinaryReader(writer.finish());
        reader.tag();
        expect(reader.bytes()).toHaveLength(before);
        expect(reader.tag()[0]).toBe(2);
        expect(reader.string()).toBe(text);
        expect(reader.tag()[0]).toBe(3);
        expect(reader.string()).toBe("end");
      }
});
