/** A Secret of the plane's own namespace, which its installation has made empty: the plane fills it and needs no right to others. */
import {
  ApiFailure,
  type KubernetesClient,
  secretData,
  secretTexts,
} from "@heddle/agent/kubernetes";
import { CliError } from "../output/cli-error.ts";

/** Another writer may come between reading and writing: as often it is tried again. */
const TRIES = 5;

export interface PodSecret {
  readonly name: string;
  /** Its texts by their keys. HDL9048 where it cannot be read. */
  read(): Promise<Readonly<Record<string, string>>>;
  /**
   * Puts texts into it, made from those that are there now; `make` is asked again where another has written meanwhile. Resolves
   * to all that it then holds. HDL9048 where it cannot be written.
   */
  put(
    make: (there: Readonly<Record<string, string>>) => Readonly<Record<string, string>>,
  ): Promise<Readonly<Record<string, string>>>;
}

export function podSecret(client: KubernetesClient, namespace: string, name: string): PodSecret {
  const place = { apiVersion: "v1", plural: "secrets", namespace };
  const asked = async <T>(verb: string, ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      const { message, missing } = ApiFailure.of(error);
      throw new CliError(
        "HDL9048",
        `Secret ${namespace}/${name} cannot be ${verb}: ${message}`,
        missing
          ? "Its installation makes it: apply it again."
          : "Check that the API server runs, and that the plane's account has its Role.",
      );
    }
  };
  return {
    name,
    read: async () => secretTexts(await asked("read", () => client.get(place, name))),
    async put(make) {
      for (let tries = 1; ; tries++) {
        const there = await asked("read", () => client.get(place, name));
        const before = secretTexts(there);
        const after = { ...before, ...make(before) };
        if (Object.entries(after).every(([key, text]) => before[key] === text)) return before;
        try {
          await client.replace(place, { ...there, data: secretData(after) });
          return after;
        } catch (error) {
          if (ApiFailure.of(error).conflict && tries < TRIES) continue;
          return asked("written", () => Promise.reject(error as Error));
        }
      }
    },
  };
}
