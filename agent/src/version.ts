/** The agent's version, as it tells it to its plane. */
import manifest from "../package.json" with { type: "json" };

export const AGENT_VERSION: string = manifest.version;
