/**
 * Envoy's official release binary. The sums that the release publishes lie beside it and change with it, so they prove nothing:
 * the binary is taken only by a sum that is known from elsewhere.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { verifySha256 } from "./checksum.ts";

const FETCH_WITHIN_MS = 120_000;
const ARCHITECTURES: Readonly<Record<string, string | undefined>> = {
  x64: "x86_64",
  arm64: "aarch_64",
};

/** Downloads the binary for this machine into `work` from below `releases`. Rejects where no sum is given. */
export async function fetchRelease(
  work: string,
  version: string,
  { releases, sha256 }: { readonly releases: string; readonly sha256: string | undefined },
): Promise<string> {
  const arch = ARCHITECTURES[process.arch];
  if (process.platform !== "linux" || !arch)
    throw new Error(`there is no official binary for ${process.platform} ${process.arch}`);
  const name = `envoy-${version}-linux-${arch}`;
  if (!sha256)
    throw new Error(
      `the SHA-256 of ${name} is not known to Heddle; set HEDDLE_ENVOY_SHA256 to the one that you trust`,
    );
  const url = `${releases}/v${version}/${name}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_WITHIN_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const target = path.join(work, name);
  await writeFile(target, Buffer.from(await response.arrayBuffer()));
  await verifySha256(target, sha256);
  return target;
}
