/** docs/coverage/injection.md: every annotation and label of a pod, and every field of ProxyConfig at a pod, with what becomes of it. */
import { knownAnnotations } from "./annotations.ts";
import { IDLE_PROXY_FIELDS, READ_PROXY_FIELDS } from "./proxy-settings.ts";

export function coveragePage(): string {
  const rows = knownAnnotations.map(
    ({ name, on = "annotation of the pod", state, what }) =>
      `| \`${name}\` | ${on} | ${state} | ${what.replaceAll("|", String.raw`\|`)} |`,
  );
  const fields = [
    ...READ_PROXY_FIELDS.map((name) => `| \`${name}\` | works |`),
    ...IDLE_PROXY_FIELDS.map((name) => `| \`${name}\` | warned |`),
  ];
  return `<!-- Made from packages/injection by \`UPDATE_GOLDEN=1 npm test -- packages/injection\`. Do not edit. -->

# What a pod may say of its proxy

Annotations and labels of Istio's, and ours, where a proxy is put into a pod:

- **works**: it does what Istio's does; the goldens in \`packages/injection/testdata\` show it.
- **written**: injection writes it.
- **warned**: it has no effect, and a warning says so: [HDL6002](../codes/HDL6002.md).
- **refused**: the pod is not injected, and an error says so: [HDL6002](../codes/HDL6002.md).

Any other of these groups is told as [HDL6001](../codes/HDL6001.md); a value that cannot stand there is refused: [HDL6003](../codes/HDL6003.md).

| name | where | | what |
|---|---|---|---|
${rows.join("\n")}

## Fields of ProxyConfig

In \`proxy.istio.io/config\` and in MeshConfig's \`defaultConfig\`. The objects of kind ProxyConfig have [a page of their own](proxy-config.md). A
pod's annotation goes before the objects, and these before the mesh's defaults.

| field | |
|---|---|
${fields.join("\n")}
`;
}
