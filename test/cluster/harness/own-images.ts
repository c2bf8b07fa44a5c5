/** The images that we publish, as `infra/images` describes them, from what is on this machine. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { AGENT_MAIN, bundleAgent } from "../../../infra/images/agent/bundle.ts";
import { bundlePlane, PLANE_MAIN } from "../../../infra/images/plane/bundle.ts";
import { importImage } from "./image.ts";
import { AGENT_IMAGE, BOOKINFO_IMAGE, CAPTURE_IMAGE, PLANE_IMAGE } from "./image-names.ts";
import { importNodeProgram, type NodeProgram, withRoots } from "./images.ts";
import { addEmptyFolder, addProgram, foundProgram, writeBase } from "./root-folder.ts";

const IMAGES = path.resolve(import.meta.dirname, "../../../infra/images");
/** As their Containerfiles have it. */
const USER = "65532:65532";
/** Where Debian's iptables look for what they match and do. */
const EXTENSIONS = "xtables";

export const importAgent = async (state: string): Promise<string> =>
  importBundle(
    state,
    { name: AGENT_IMAGE, main: AGENT_MAIN, ...(await settingsOf("agent")) },
    bundleAgent,
  );

export const importPlane = async (state: string): Promise<string> =>
  importBundle(
    state,
    { name: PLANE_IMAGE, main: PLANE_MAIN, ...(await settingsOf("plane")) },
    bundlePlane,
  );

/** How an image's Containerfile runs its program: Node's own flags, and the environment as `NAME=VALUE`. */
export async function settingsOf(
  image: "agent" | "plane",
): Promise<{ readonly flags: readonly string[]; readonly env: readonly string[] }> {
  const text = await readFile(path.join(IMAGES, image, "Containerfile"), "utf8");
  const [, entrypoint = "[]"] = /^ENTRYPOINT (.+)$/m.exec(text) ?? [];
  const flags = (JSON.parse(entrypoint) as string[]).filter((each) => each.startsWith("--"));
  const env = [...text.matchAll(/^ENV (.+)$/gm)].flatMap(([, each = ""]) => each.split(" "));
  return { flags, env };
}

async function importBundle(
  state: string,
  program: Omit<NodeProgram, "folder" | "user">,
  bundle: (folder: string) => Promise<number>,
): Promise<string> {
  const temporary = await mkdtemp(path.join(tmpdir(), "heddle-bundle-"));
  // The other is for its owner alone, and the image's user is another.
  const folder = path.join(temporary, "app");
  try {
    await bundle(folder);
    return await importNodeProgram(state, { ...program, folder, user: USER });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The bookshop's programs, under the name that its manifests give them. */
export function importBookinfo(state: string): Promise<string> {
  return importNodeProgram(state, {
    name: BOOKINFO_IMAGE,
    folder: path.resolve(import.meta.dirname, "../../../examples/bookinfo"),
    main: "src/productpage.ts",
    user: "65534:65534",
  });
}

/** A shell, iptables for both families and `ip`, of Debian's packages. */
export async function importCapture(state: string): Promise<string> {
  await withRoots(async (root) => {
    await writeBase(root);
    for (const name of ["sh", "ip", "iptables-restore", "ip6tables-restore", "iptables-save"])
      await addProgram(root, await foundProgram(name), `usr/bin/${name}`);
    // They are asked for by this path.
    await addProgram(root, await foundProgram("sh"), "bin/sh");
    const libraries = path.join("/usr/lib", await libraryFolder());
    for (const name of await readdir(path.join(libraries, EXTENSIONS)))
      if (/^lib(?:xt|ipt|ip6t)_/.test(name)) {
        const library = path.join(libraries, EXTENSIONS, name);
        await addProgram(root, library, library);
      }
    // The lock of the older iptables, and what the newer ones look up.
    await addEmptyFolder(root, "run");
    await importImage(state, { name: CAPTURE_IMAGE, layers: [root], entrypoint: ["/bin/sh"] });
  });
  return CAPTURE_IMAGE;
}

/** Debian keeps libraries in a folder for each architecture. */
async function libraryFolder(): Promise<string> {
  const all = await readdir("/usr/lib");
  const found = all.find((name) => /^(?:x86_64|aarch64)-linux-gnu$/.test(name));
  if (found === undefined) throw new Error("there is no folder of Debian's libraries in /usr/lib");
  return found;
}
