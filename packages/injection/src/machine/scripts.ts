/** How a machine starts its proxy, by hand and by systemd, and leads its traffic there. */
import { PROXY_ID } from "../capture.ts";

export const START = `#!/bin/sh
# Starts the machine's proxy, a stock Envoy: the one that ENVOY names, else the one of the path. What else is given goes to it.
set -eu
cd "$(dirname "$0")"
exec "\${ENVOY:-envoy}" --config-path envoy.json --log-level "\${ENVOY_LOG_LEVEL:-warning}" \\
  --drain-time-s 45 --drain-strategy immediate --disable-hot-restart "$@"
`;

/** Written anew each time, so that nothing is left over of what was led before. */
export const CAPTURE = `#!/bin/sh
# Leads the machine's traffic to its proxy, or no more: capture.sh on, capture.sh off. As root.
set -eu
cd "$(dirname "$0")"

off() {
  "$1" -w -t nat -D PREROUTING -p tcp -j HEDDLE_INBOUND 2>/dev/null || true
  "$1" -w -t nat -D OUTPUT -p tcp -j HEDDLE_OUTPUT 2>/dev/null || true
  for step in -F -X; do
    for chain in HEDDLE_INBOUND HEDDLE_IN_REDIRECT HEDDLE_OUTPUT HEDDLE_REDIRECT; do
      "$1" -w -t nat "$step" "$chain" 2>/dev/null || true
    done
  done
}

# The file is of no size even where there is something to read.
has_v6() { { read -r _ < /proc/net/if_inet6; } 2>/dev/null && command -v ip6tables-restore >/dev/null; }

case "\${1:-}" in
  on)
    off iptables
    iptables-restore -w --noflush < capture/nat-v4
    if has_v6; then
      off ip6tables
      ip6tables-restore -w --noflush < capture/nat-v6
      # Of the proxy's own connections to the application: every address of IPv6's loopback but one is a stranger to the kernel.
      ip -6 addr add ::6/128 dev lo 2>/dev/null || true
    fi
    ;;
  off)
    off iptables
    if has_v6; then off ip6tables; fi
    ;;
  *)
    echo "capture.sh on | capture.sh off" >&2
    exit 2
    ;;
esac
`;

/** The proxy runs as the user whose traffic is not led to it. */
export function unit(place: string, captures: boolean): string {
  return `# The machine's proxy, as a service of systemd.
[Unit]
Description=Proxy of the Heddle mesh
After=network-online.target
Wants=network-online.target

[Service]
User=${PROXY_ID}
Group=${PROXY_ID}
WorkingDirectory=${place}
# Another Envoy than the one of the path: Environment=ENVOY=/usr/local/bin/envoy
${captures ? `ExecStartPre=+${place}/capture.sh on\n` : ""}ExecStart=${place}/start.sh
${captures ? `ExecStopPost=+${place}/capture.sh off\n` : ""}Restart=always
RestartSec=1
LimitNOFILE=1048576
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target
`;
}
