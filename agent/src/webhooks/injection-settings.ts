/** What an installation says of injection: the text of its ConfigMap as the injector's options. */
import {
  type Finding,
  type InjectionMesh,
  type InjectionOptions,
  readProxySettings,
} from "@heddle/injection";
import { isDnsName, isIpAddress, readSource } from "@heddle/model";
import { z } from "zod";

export const INJECTION_CONFIG_MAP = "heddle-injection";
/** Of the ConfigMap's data. */
export const SETTINGS_KEY = "settings";

export interface InjectionSettings {
  readonly options: Partial<Omit<InjectionOptions, "agent" | "revision" | "kubernetesMinor">> & {
    readonly agent?: Partial<InjectionOptions["agent"]>;
  };
  /** Of every proxy, where nothing else is said: the fields of MeshConfig's `defaultConfig`. */
  readonly proxies: NonNullable<InjectionMesh["proxies"]>;
}

const quantities = z.record(z.string(), z.union([z.string(), z.number().transform(String)]));
const port = z.number().int().min(1).max(65_535);

const schema = z.strictObject({
  isDefault: z.boolean().optional(),
  clusterId: z.string().min(1).optional(),
  agent: z
    .strictObject({
      host: z
        .string()
        .refine((host) => isDnsName(host) || isIpAddress(host), "no name and no address")
        .optional(),
      xdsPort: port.optional(),
      otlpPort: port.optional(),
      security: z.enum(["tls", "plaintext"]).optional(),
    })
    .optional(),
  proxyImage: z.string().min(1).optional(),
  initImage: z.string().min(1).optional(),
  imagePullPolicy: z.enum(["Always", "IfNotPresent", "Never"]).optional(),
  imagePullSecrets: z.array(z.string().min(1)).optional(),
  resources: z
    .strictObject({ requests: quantities.optional(), limits: quantities.optional() })
    .optional(),
  templates: z.record(z.string(), z.looseObject({})).optional(),
  captureElsewhere: z.boolean().optional(),
  proxies: z.unknown().optional(),
});

/** Settings, or what is wrong with them; both where something only deserves a warning. */
export function readInjectionSettings(text: string): {
  readonly settings: InjectionSettings | undefined;
  readonly problems: readonly string[];
} {
  const { documents, findings } = readSource(text);
  const [broken] = findings;
  if (broken) return { settings: undefined, problems: [`line ${broken.line}: ${broken.message}`] };
  const parsed = schema.safeParse(documents[0]?.value ?? {});
  if (!parsed.success)
    return {
      settings: undefined,
      problems: parsed.error.issues.map(
        ({ path, message }) => `${path.map(String).join(".") || SETTINGS_KEY}: ${message}`,
      ),
    };
  const { proxies, ...given } = parsed.data;
  const found: Finding[] = [];
  const read = readProxySettings(proxies, "proxies", (finding) => void found.push(finding));
  const problems = found.map(({ message, remedy = "" }) => `${message}. ${remedy}`.trim());
  if (found.some(({ level }) => level === "Error")) return { settings: undefined, problems };
  return { settings: { options: given as InjectionSettings["options"], proxies: read }, problems };
}
