/** The Envoy that Heddle is made for, and what version a binary says that it is. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export const ENVOY_VERSION = "1.40.0";
/** Patch releases change no API. */
const MINOR = ENVOY_VERSION.split(".").slice(0, 2).join(".");

/** Such as `1.40.0`; undefined where the file cannot be run or does not say. */
export async function versionOf(binary: string): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(binary, ["--version"], { timeout: 20_000 }).catch(
    () => ({ stdout: "" }),
  );
  // envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL
  return /version:\s*[^/\s]+\/(\d+\.\d+\.\d+[^/\s]*)/.exec(stdout)?.[1];
}

export function isRightVersion(version: string): boolean {
  return version.startsWith(`${MINOR}.`);
}
