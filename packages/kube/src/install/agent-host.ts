/** The name by which proxies reach the installation's agent; empty where nobody gave one. */
import { type Installation, named } from "./objects.ts";

export function agentHost(installation: Installation): string {
  const { namespace, values } = installation;
  return values.agent.enabled
    ? `${named("heddle-agent", installation)}.${namespace}.svc`
    : values.remote.address;
}
