/** Fetches a module that is published as an image: the OCI distribution API, with a registry's token if it asks for one. */
import { createHash } from "node:crypto";
import { ask, bodyOf, unreachable } from "./download.ts";
import { ModuleError } from "./module-error.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface ImageName {
  readonly registry: string;
  readonly repository: string;
  /** A tag, or `sha256:…`. */
  readonly reference: string;
}

interface Descriptor {
  readonly mediaType?: string;
  readonly digest: string;
  readonly size?: number;
}

interface Manifest {
  readonly mediaType?: string;
  readonly layers?: readonly Descriptor[];
  /** Of an index: one for each platform. */
  readonly manifests?: readonly Descriptor[];
}

const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

/** The layer of an image that is nothing but a module. */
const WASM_LAYER = "application/vnd.module.wasm.content.layer.v1+wasm";

/** `registry/repository:tag`, `…@sha256:…`; without a registry Docker's. */
export function parseImageName(name: string): ImageName {
  const [whole = "", digest] = name.split("@");
  const slash = whole.indexOf("/");
  const first = slash < 0 ? "" : whole.slice(0, slash);
  const named = /[.:]/.test(first) || first === "localhost";
  const registry = named ? first : "registry-1.docker.io";
  const rest = named ? whole.slice(slash + 1) : slash < 0 ? `library/${whole}` : whole;
  const colon = rest.indexOf(":");
  return {
    registry: registry === "docker.io" ? "registry-1.docker.io" : registry,
    repository: colon < 0 ? rest : rest.slice(0, colon),
    reference: digest ?? (colon < 0 ? "latest" : rest.slice(colon + 1)),
  };
}

export interface Image {
  /** Of the manifest that the name leads to: what a checksum of an image means. */
  readonly digest: string;
  /** A module, or an archive that holds one. */
  readonly content: Uint8Array;
}

/** Throws HDL7220 where it cannot be had, HDL7221 where a layer is not what the manifest says. */
export async function fetchImage(
  name: string,
  credentials: Credentials | undefined,
): Promise<Image> {
  const image = parseImageName(name);
  const registry = openRegistry(image, credentials);
  const first = await registry.get(`manifests/${image.reference}`, MANIFEST_TYPES);
  let manifest = JSON.parse(first.toString("utf8")) as Manifest;
  const [platform] = manifest.manifests ?? [];
  if (platform) {
    const inner = await registry.get(`manifests/${platform.digest}`, MANIFEST_TYPES);
    manifest = JSON.parse(inner.toString("utf8")) as Manifest;
  }
  const layers = manifest.layers ?? [];
  const layer = layers.find(({ mediaType }) => mediaType === WASM_LAYER) ?? layers.at(-1);
  if (!layer) throw unreachable(`oci://${name}`, "the image has no layer");
  const content = await registry.get(`blobs/${layer.digest}`);
  if (digestOf(content) !== layer.digest) {
    throw new ModuleError(
      "HDL7221",
      `a layer of the image is ${digestOf(content)}, not ${layer.digest} as its manifest says`,
      "The registry is not to be trusted: publish the image again.",
    );
  }
  return { digest: digestOf(first), content };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function openRegistry(
  { registry, repository }: ImageName,
  credentials: Credentials | undefined,
): { get(path: string, accept?: string): Promise<Buffer> } {
  const local = /^(localhost|127\.|\[::1\])/.test(registry);
  const base = `${local ? "http" : "https"}://${registry}/v2/${repository}`;
  let authorization: string | undefined;
  return {
    async get(path, accept) {
      const url = `${base}/${path}`;
      const headers = () => ({
        ...(accept ? { accept } : {}),
        ...(authorization ? { authorization } : {}),
      });
      let response = await ask(url, headers());
      if (response.status === 401 && authorization === undefined) {
        await response.body?.cancel();
        authorization = await authorize(
          response.headers.get("www-authenticate") ?? "",
          repository,
          credentials,
        );
        response = await ask(url, headers());
      }
      return bodyOf(url, response);
    },
  };
}

/** Answers a registry's challenge (RFC 6750, and the token endpoint of the distribution specification). */
async function authorize(
  challenge: string,
  repository: string,
  credentials: Credentials | undefined,
): Promise<string> {
  const basic =
    credentials &&
    `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
  if (!/^bearer /i.test(challenge)) return basic ?? "";
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const realm = field("realm");
  if (realm === undefined) return basic ?? "";
  const url = new URL(realm);
  const service = field("service");
  if (service) url.searchParams.set("service", service);
  url.searchParams.set("scope", field("scope") ?? `repository:${repository}:pull`);
  const response = await ask(url.href, basic ? { authorization: basic } : {});
  const answer = JSON.parse((await bodyOf(url.href, response)).toString("utf8")) as {
    token?: string;
    access_token?: string;
  };
  return `Bearer ${answer.token ?? answer.access_token ?? ""}`;
}

/** The entry for a registry in a Secret of type `kubernetes.io/dockerconfigjson`. */
export function credentialsFor(
  name: string,
  dockerConfig: string | undefined,
): Credentials | undefined {
  if (dockerConfig === undefined) return undefined;
  const { registry } = parseImageName(name);
  try {
    const { auths = {} } = JSON.parse(dockerConfig) as {
      auths?: Record<string, { auth?: string; username?: string; password?: string }>;
    };
    for (const [host, entry] of Object.entries(auths)) {
      const known = host.replace(/^https?:\/\//, "").split("/")[0];
      const docker = registry === "registry-1.docker.io" && /(^|\.)docker\.io$/.test(known ?? "");
      if (known !== registry && !docker) continue;
      const [username = "", ...rest] = entry.auth
        ? Buffer.from(entry.auth, "base64").toString("utf8").split(":")
        : [entry.username, entry.password ?? ""];
      return { username, password: rest.join(":") };
    }
  } catch {
    return undefined;
  }
  return undefined;
}
