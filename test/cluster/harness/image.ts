/** Makes an image from folders, as an OCI image layout, and gives it to a cluster's containerd. */
import { execFile, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { pipeline } from "node:stream/promises";
import { CONTAINERD_SOCKET } from "./node.ts";
import { entering } from "./room.ts";

const run = promisify(execFile);
/** tar's word for it. */
const CHANGED_MEANWHILE = 1;

export interface Image {
  /** With registry and tag: `heddle.test/echo:1`. Pods find it under this name when they may use what is there already. */
  readonly name: string;
  /** Root folders, lowest first. What is the same in two images is kept once. */
  readonly layers: readonly string[];
  readonly entrypoint: readonly string[];
  readonly env?: readonly string[];
  /** `uid` or `uid:gid`; root unless told otherwise. */
  readonly user?: string;
  readonly workingDirectory?: string;
}

const LAYER = "application/vnd.oci.image.layer.v1.tar";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** Node's names of architectures, where others' differ. */
const ARCHITECTURES: Readonly<Record<string, string | undefined>> = { x64: "amd64" };

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** By state: when the import before is over. */
const importing = new Map<string, Promise<void>>();

/**
 * Gives the image to the containerd of the cluster whose state that is. One after the other: of two imports at once containerd has
 * been seen to miss a layer that both bring.
 */
export async function importImage(state: string, image: Image): Promise<void> {
  const layout = await mkdtemp(path.join(tmpdir(), "heddle-image-"));
  try {
    await writeLayout(layout, image);
    const imported = (importing.get(state) ?? Promise.resolve()).then(() =>
      importLayout(state, image, layout),
    );
    importing.set(
      state,
      imported.catch(() => {}),
    );
    await imported;
  } finally {
    await rm(layout, { recursive: true, force: true });
  }
}

async function importLayout(state: string, image: Image, layout: string): Promise<void> {
  const tar = spawn("tar", ["-C", layout, "-cf", "-", "."], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ctr = spawn(
    "nsenter",
    [
      ...entering(state),
      ...["ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io"],
      ...["images", "import", "--index-name", image.name, "-"],
    ],
    { stdio: ["pipe", "ignore", "pipe"] },
  );
  let said = "";
  ctr.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number>((resolve) => ctr.once("close", (code) => resolve(code ?? 1)));
  // ctr stops reading where the archive ends, which may be before its padding; if it ends too early its own words say why.
  await pipeline(tar.stdout, ctr.stdin).catch(() => undefined);
  if ((await ended) !== 0) throw new Error(`${image.name} could not be imported: ${said.trim()}`);
}

/** Writes an OCI image layout (image-spec 1.0, "Image Layout") to `folder`: the same folders give the same bytes. */
export async function writeLayout(folder: string, image: Image): Promise<void> {
  await mkdir(path.join(folder, "blobs/sha256"), { recursive: true });
  const layers: Blob[] = [];
  for (const root of image.layers) layers.push(await layerBlob(folder, root));
  const config = await jsonBlob(folder, CONFIG, {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: "linux",
    config: {
      Entrypoint: image.entrypoint,
      Env: ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", ...(image.env ?? [])],
      ...(image.user === undefined ? {} : { User: image.user }),
      ...(image.workingDirectory === undefined ? {} : { WorkingDir: image.workingDirectory }),
    },
    // A layer that is not compressed is known by one sum.
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = await jsonBlob(folder, MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config,
    layers,
  });
  const annotations = { "io.containerd.image.name": image.name };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  await writeFile(path.join(folder, "index.json"), JSON.stringify(index));
  await writeFile(path.join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

async function layerBlob(folder: string, root: string): Promise<Blob> {
  const part = path.join(folder, randomUUID());
  await run("tar", [
    ...["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"],
    ...["-C", root, "-cf", part, "."],
  ]).catch((error: { readonly code?: unknown }) => {
    // Another image is made meanwhile: a file that both have by a link counts as changed, though what is in it is the same.
    if (error.code !== CHANGED_MEANWHILE) throw error;
  });
  const hash = createHash("sha256");
  await pipeline(createReadStream(part), hash);
  const digest = hash.digest("hex");
  const { size } = await stat(part);
  await rename(part, path.join(folder, "blobs/sha256", digest));
  return { mediaType: LAYER, digest: `sha256:${digest}`, size };
}

async function jsonBlob(folder: string, mediaType: string, value: object): Promise<Blob> {
  const text = JSON.stringify(value);
  const digest = createHash("sha256").update(text).digest("hex");
  await writeFile(path.join(folder, "blobs/sha256", digest), text);
  return { mediaType, digest: `sha256:${digest}`, size: Buffer.byteLength(text) };
}
