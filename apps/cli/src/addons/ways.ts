/** How one comes to what was installed, as commands to paste. */
import {
  GRAFANA,
  GRAFANA_PASSWORD,
  GRAFANA_PORT,
  GRAFANA_SECRET,
  type KubernetesObject,
  PROMETHEUS,
  PROMETHEUS_PORT,
} from "@heddle/kube";

export function ways(namespace: string, objects: readonly KubernetesObject[]): string {
  const kubectl = `kubectl --namespace ${namespace}`;
  const way = (name: string, port: number) =>
    `${name.padEnd(12)}http://127.0.0.1:${port} with \`${kubectl} port-forward service/${name} ${port}\`\n`;
  const there = (name: string) =>
    objects.some(({ kind, metadata }) => kind === "Service" && metadata.name === name);
  return [
    there(PROMETHEUS) ? way(PROMETHEUS, PROMETHEUS_PORT) : "",
    there(GRAFANA) ? way(GRAFANA, GRAFANA_PORT) : "",
    there(GRAFANA)
      ? `${"".padEnd(12)}as admin, with the password of \`${kubectl} get secret ${GRAFANA_SECRET} --output jsonpath='{.data.${GRAFANA_PASSWORD}}' | base64 --decode\`\n`
      : "",
  ].join("");
}
