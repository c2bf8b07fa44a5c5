/**
 * What leads a pod's questions to resolvers to its proxy. The pod's own resolvers alone are meant, which stand in its
 * `/etc/resolv.conf`, so that a resolver beside the application may still ask others.
 */
import { DNS_CAPTURE_PORT } from "@heddle/translate";
import { type Capture, PROXY_ID } from "./capture.ts";
import type { Report } from "./finding.ts";

const CAPTURE = "ISTIO_META_DNS_CAPTURE";
const ALLOCATE = "ISTIO_META_DNS_AUTO_ALLOCATE";

export const DNS_CHAIN = "HEDDLE_DNS";
const PORT = 53;

/** Whether a sidecar's variables ask for it; where they do and it cannot be, that is told. */
export function capturesDns(
  variables: Readonly<Record<string, string>>,
  { interception, capture }: { readonly interception: string; readonly capture: Capture },
  report: Report,
): boolean {
  const idle = (name: string, why: string, remedy: string): false => {
    report({
      code: "HDL6002",
      level: "Warning",
      message: `${name} has no effect here: ${why}`,
      remedy,
    });
    return false;
  };
  const asked = variables[CAPTURE] === "true";
  if (!asked)
    return variables[ALLOCATE] === "true"
      ? idle(ALLOCATE, `without ${CAPTURE} nobody asks the proxy`, `Set ${CAPTURE} as well.`)
      : false;
  if (interception !== "REDIRECT")
    return idle(
      CAPTURE,
      `with interception ${interception} nothing leads questions to the proxy`,
      "Use REDIRECT.",
    );
  if (capture.excludeOutboundPorts.includes(PORT))
    return idle(CAPTURE, `port ${PORT} is not led to the proxy`, `Do not exclude port ${PORT}.`);
  return true;
}

/** The variables as the proxy is to have them: nobody is to believe that it answers where nobody asks it. */
export function withoutDns(
  variables: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { [CAPTURE]: _, [ALLOCATE]: __, ...others } = variables;
  return others;
}

/** Rules of the nat table that stand before those for all connections; the script adds one for each resolver. */
export function dnsRules(excludedRanges: readonly string[]): readonly string[] {
  return [
    `-A OUTPUT -p udp --dport ${PORT} -j ${DNS_CHAIN}`,
    `-A OUTPUT -p tcp --dport ${PORT} -j ${DNS_CHAIN}`,
    `-A ${DNS_CHAIN} -m owner --uid-owner ${PROXY_ID} -j RETURN`,
    `-A ${DNS_CHAIN} -m owner --gid-owner ${PROXY_ID} -j RETURN`,
    ...excludedRanges.map((range) => `-A ${DNS_CHAIN} -d ${range} -j RETURN`),
  ];
}

/**
 * The raw table. What the proxy asks, and what it is answered, is not tracked: where it happens to ask from a port that the application
 * has just asked from, it would be taken for that, and be led back to the proxy.
 */
export const dnsRawTable = [
  "*raw",
  `:${DNS_CHAIN} - [0:0]`,
  `-A PREROUTING -p udp --sport ${PORT} -j CT --notrack`,
  `-A OUTPUT -p udp --dport ${PORT} -m owner --uid-owner ${PROXY_ID} -j CT --notrack`,
  `-A OUTPUT -p udp --dport ${PORT} -m owner --gid-owner ${PROXY_ID} -j CT --notrack`,
  `-A OUTPUT -p udp --dport ${PORT} -j ${DNS_CHAIN}`,
  "COMMIT",
  "",
].join("\n");

/**
 * Envoy answers questions for addresses alone, and says that there is no such name where there is no address of the one family that
 * was asked for, by which some applications (musl's) take it that there is none of the other either. So only questions
 * for addresses of the pod's own families are led to it: type and class follow the end of the name, a zero; all others
 * go where they always went, untracked and so unchanged. Kernels without the match lead all to it.
 */
export const DNS_SCRIPT = `
interfaces() {
  ip -o -$1 addr show scope global | while read -r _ interface _; do
    if [ "$interface" != lo ]; then echo "$interface"; fi
  done
}
for family in 4 6; do
  tables=iptables-restore; offset=40
  if [ $family = 6 ]; then
    read -r _ < /proc/net/if_inet6 || continue
    tables=ip6tables-restore; offset=60
  fi
  printf '%s' "$DNS_RAW" | $tables --noflush
  {
    echo '*raw'
    for kind in 4:0001 6:001c; do
      if [ -n "$(interfaces \${kind%:*})" ]; then
        echo "-A ${DNS_CHAIN} -m string --algo bm --from $offset --to 340 --hex-string |00\${kind#*:}0001| -j RETURN"
      fi
    done
    echo '-A ${DNS_CHAIN} -j CT --notrack'
    echo COMMIT
  } | $tables --noflush ||
    echo 'this kernel cannot tell questions apart: the proxy is asked all of them, and answers those for addresses alone'
  {
    echo '*nat'
    while read -r word server rest; do
      if [ "$word" != nameserver ]; then continue; fi
      case "$server" in *:*) of=6 ;; *) of=4 ;; esac
      if [ $of != $family ]; then continue; fi
      for protocol in udp tcp; do
        echo "-A ${DNS_CHAIN} -d \${server%%[%]*} -p $protocol -j REDIRECT --to-ports ${DNS_CAPTURE_PORT}"
      done
    done < /etc/resolv.conf
    echo COMMIT
  } | $tables --noflush
done
`.trim();
