/** Large texts in parts, between which others get their turn: a thread that parses for seconds answers nobody. */
import { problem } from "../http/problem.ts";

/** A text from a file, with the line of the file that it begins in. */
export interface TextPart {
  readonly text: string;
  readonly line: number;
}

/** Characters of one document: Kubernetes' etcd stores no larger object, and parsing 10 MB takes ten seconds. */
const LONGEST_DOCUMENT = 1.5 * 1024 * 1024;

/** Documents are parsed together up to so many characters: some 50 ms. */
const PART_LENGTH = 32 * 1024;

/** Whole documents of a YAML text, in parts. HDL1047 where a document is too long. */
export function* partsOf(name: string, content: string): Generator<TextPart> {
  // A directive belongs to the document after it.
  const documents = /^%/m.test(content) ? [content] : content.split(/^(?=---(?:\s|$))/m);
  let part = { text: "", line: 1 };
  let line = 1;
  for (const text of documents) {
    checkLength(`${name}:${line}`, text.length);
    if (part.text !== "" && part.text.length + text.length > PART_LENGTH) {
      yield part;
      part = { text: "", line };
    }
    part.text += text;
    line += text.split("\n").length - 1;
  }
  yield part;
}

/** HDL1047 for what is longer than one document may be. */
export function checkLength(where: string, length: number): void {
  if (length > LONGEST_DOCUMENT)
    throw problem(
      "HDL1047",
      `${where}: the document has ${length} characters; ${LONGEST_DOCUMENT} are the most.`,
    );
}

/** Work may hold the thread so long, milliseconds. */
const TURN = 20;

/** Returns what is awaited between two pieces of work: it lets others have their turn where one has lasted. */
export function createTurns(): () => Promise<void> | undefined {
  let began = performance.now();
  return () => {
    if (performance.now() - began < TURN) return undefined;
    return new Promise((resolve) =>
      setTimeout(() => {
        began = performance.now();
        resolve();
      }),
    );
  };
}
