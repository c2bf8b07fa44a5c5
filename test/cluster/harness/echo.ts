/** The application of the tests: `echo/main.ts` beside this folder says what it answers. */
import path from "node:path";
import { importNodeProgram } from "./images.ts";

export const ECHO_IMAGE = "heddle.test/echo:1";

export const importEcho = (state: string): Promise<string> =>
  importNodeProgram(state, {
    name: ECHO_IMAGE,
    folder: path.join(import.meta.dirname, "../echo"),
    main: "main.ts",
    user: "65534",
  });
