/** The programs of others that deliver with a mesh, each built once for this user, with what they are installed with beside them. */
import { buildPrometheus, built, type Say } from "./components.ts";
import { buildGo } from "./go-build.ts";
import { FLAGGER_VERSION, FLUX_KUSTOMIZE_VERSION, FLUX_SOURCE_VERSION } from "./versions.ts";

/** Folders: the program of that name, and folders of its module. */
export interface DeliveryComponents {
  /** The program itself. */
  readonly prometheus: string;
  /** `flagger`, and `kustomize/base`. */
  readonly flagger: string;
  /** `source-controller`, and `config`. */
  readonly source: string;
  /** `kustomize-controller`, and `config`. */
  readonly kustomize: string;
}

/** One after the other: Flux's two share most of what they are made of, and the second finds it compiled. */
export async function buildDelivery(say: Say): Promise<DeliveryComponents> {
  const flagger = await built("flagger", FLAGGER_VERSION, say, (into) =>
    buildGo(
      {
        module: "github.com/fluxcd/flagger",
        version: `v${FLAGGER_VERSION}`,
        programs: ["github.com/fluxcd/flagger/cmd/flagger"],
        folders: ["kustomize/base"],
      },
      into,
    ),
  );
  const kustomize = await buildFlux("kustomize-controller", FLUX_KUSTOMIZE_VERSION, say);
  const source = await buildFlux("source-controller", FLUX_SOURCE_VERSION, say);
  return { prometheus: await buildPrometheus(say), flagger, source, kustomize };
}

function buildFlux(name: string, version: string, say: Say): Promise<string> {
  const module = `github.com/fluxcd/${name}`;
  return built(name, version, say, (into) =>
    buildGo(
      {
        module,
        version: `v${version}`,
        programs: [module],
        replacement: `v${version}`,
        folders: ["config"],
      },
      into,
    ),
  );
}
