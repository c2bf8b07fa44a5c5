/** Sets of objects that belong together: what holds parts of two sets was half-applied. */

/** Objects in a set. */
export const TOGETHER = 25;

export const rule = (name: string, subset: string) => ({
  apiVersion: "networking.istio.io/v1",
  kind: "VirtualService",
  metadata: { name },
  spec: {
    hosts: [`${name}.example.com`],
    http: [{ route: [{ destination: { host: "reviews", subset } }] }],
  },
});

/** A whole set, every object of which says which one it is. */
export const generation = (n: number) =>
  Array.from({ length: TOGETHER }, (_, i) => rule(`rule-${i}`, `v${n}`));

/** Which set an object's spec belongs to. */
export function generationOf(spec: unknown): number {
  const { http } = spec as ReturnType<typeof rule>["spec"];
  return Number(http[0]?.route[0]?.destination.subset.slice(1));
}
