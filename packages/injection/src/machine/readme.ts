/** What somebody reads who has a machine's folder in hand. */
import { isIpAddress } from "@heddle/model";
import { PROXY_ID } from "../capture.ts";
import type { MachineFilesOptions } from "./machine.ts";

export const UNIT = "heddle-vm.service";

/** A line for `/etc/hosts` where the agent is dialed by its name, or known by one to people. */
export function hostsNote({ agent }: MachineFilesOptions): string {
  const { address, host } = agent;
  return [
    "# Lines for the machine's /etc/hosts. The proxy needs none of them where it was given the agent's address.",
    isIpAddress(address)
      ? `${address} ${host}`
      : `# ADDRESS ${address === host ? host : `${address} ${host}`}`,
    "",
  ].join("\n");
}

export function readme(options: MachineFilesOptions): string {
  const { namespace, group, name, address, serviceAccount, agent, place, traffic } = options;
  const { address: host, xdsPort, otlpPort } = agent;
  const captures = "capture" in traffic;
  return `# ${name}: a machine of WorkloadGroup ${namespace}/${group}

What a machine at ${address} needs to be in the mesh as service account ${namespace}/${serviceAccount}.
The token in \`identity/token\` is a secret: whoever has it is this account to the mesh, until it ends.

| file | what |
|---|---|
| \`envoy.json\` | what Envoy 1.40 starts with |
| \`identity/\` | the token, and the roots by which the agent is known |
| \`start.sh\` | starts Envoy in this folder |
| \`${UNIT}\` | the same, for systemd |
${captures ? "| `capture.sh`, `capture/` | lead the machine's traffic to Envoy by iptables, or no more |\n" : ""}| \`hosts\` | lines for \`/etc/hosts\` |

## On the machine

1. Install Envoy 1.40 (https://www.envoyproxy.io/docs/envoy/latest/start/install).
2. The machine reaches the agent at \`${host}\`, ports ${xdsPort} and ${otlpPort} (TCP); others in the mesh reach the machine at ${address}.
   A name that the machine does not know goes into \`/etc/hosts\`: see \`hosts\`.
3. Copy this folder to \`${place}\`, and let nobody else read the token:

   \`\`\`sh
   chown -R ${PROXY_ID}:${PROXY_ID} ${place} && chmod 600 ${place}/identity/token
   cp ${place}/${UNIT} /etc/systemd/system/ && systemctl daemon-reload && systemctl enable --now heddle-vm
   \`\`\`

${captures ? CAPTURED : toldOf(traffic.appAddress, traffic.proxyPort)}

## The token ends

Envoy is cut off from the mesh's changes when its token ends, and its certificates follow within a day. Give it another one before:

\`\`\`sh
heddle vm token ${group} -n ${namespace} --out FOLDER    # then, on the machine, over the old one in one step:
mv ${place}/identity/token.new ${place}/identity/token
\`\`\`

Copy the new token to \`token.new\` beside the old one and rename it, as above: Envoy reads it when it is renamed, and not when it is written.
`;
}

const CAPTURED = `Traffic of the machine is led to Envoy, but that of Envoy's own user and what comes to port 22. Applications stay as they are; names of
services have to be known to the machine's resolver, whatever address they have there.`;

function toldOf(appAddress: string, proxyPort: number): string {
  return `The application listens at ${appAddress}, and Envoy at the machine's address in front of it. It calls services by HTTP through the proxy at
\`http://127.0.0.1:${proxyPort}\` (\`http_proxy=http://127.0.0.1:${proxyPort}\`), by their names in the mesh, which need no resolver there.`;
}
