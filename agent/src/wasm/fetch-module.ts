/** Fetches a module by its URL, and verifies it. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ask, bodyOf, unreachable } from "./download.ts";
import { credentialsFor, fetchImage } from "./oci-image.ts";
import { unpackModule } from "./unpack.ts";
import { sha256Of, verifyChecksum, verifyModule } from "./verify-module.ts";

export interface ModuleRequest {
  /** `https://`, `http://`, `file://`, `oci://`, or an image's name alone. */
  readonly url: string;
  /** Hexadecimal; empty: any. */
  readonly sha256: string;
  /** The `.dockerconfigjson` of the pull secret. */
  readonly dockerConfig: string | undefined;
}

/** Bytes that are what was asked for, and a module that Envoy can run. Throws a `ModuleError`. */
export async function fetchModule(request: ModuleRequest): Promise<Uint8Array<ArrayBuffer>> {
  const { url, sha256 } = request;
  const { content, digests } = await download(request);
  const bytes = await unpackModule(content);
  verifyChecksum(sha256, [...digests, sha256Of(bytes)]);
  await verifyModule(bytes).catch((error: Error) => {
    error.message = `${url}: ${error.message}`;
    throw error;
  });
  return bytes;
}

interface Download {
  readonly content: Uint8Array;
  /** Checksums that stand for it besides the module's own. */
  readonly digests: readonly string[];
}

async function download({ url, dockerConfig }: ModuleRequest): Promise<Download> {
  const scheme = /^([a-z]+):\/\//i.exec(url)?.[1]?.toLowerCase() ?? "oci";
  switch (scheme) {
    case "http":
    case "https": {
      const content = await bodyOf(url, await ask(url));
      return { content, digests: [sha256Of(content)] };
    }
    case "file": {
      const content = await readFile(fileURLToPath(url)).catch((error: unknown) => {
        throw unreachable(url, String(error), error);
      });
      return { content, digests: [sha256Of(content)] };
    }
    case "oci": {
      const name = url.replace(/^oci:\/\//i, "");
      const image = await fetchImage(name, credentialsFor(name, dockerConfig));
      return { content: image.content, digests: [image.digest.replace("sha256:", "")] };
    }
    default:
      throw unreachable(url, `the scheme ${scheme} is not one of http, https, file and oci`);
  }
}
