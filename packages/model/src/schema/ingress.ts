/** Schemas of Kubernetes' Ingress and IngressClass: what the mesh reads is checked, all else is kept as it came. */
import { z } from "zod";
import type { Ingress, IngressBackend, IngressClass } from "../kinds/ingress.ts";
import { optional, text, texts } from "./fields.ts";

const backend: z.ZodType<IngressBackend> = z.looseObject({
  service: optional(
    z.looseObject({
      name: text,
      port: optional(
        z.looseObject({
          name: optional(text),
          number: optional(z.int().min(1).max(65535)),
        }),
      ),
    }),
  ),
  resource: optional(z.looseObject({ apiGroup: optional(text), kind: text, name: text })),
});

export const ingressSchema: z.ZodType<Ingress> = z.looseObject({
  ingressClassName: optional(text),
  defaultBackend: optional(backend),
  tls: optional(z.array(z.looseObject({ hosts: optional(texts), secretName: optional(text) }))),
  rules: optional(
    z.array(
      z.looseObject({
        host: optional(text),
        http: optional(
          z.looseObject({
            paths: z
              .array(
                z.looseObject({
                  path: optional(text),
                  pathType: z.enum(["Exact", "Prefix", "ImplementationSpecific"]),
                  backend,
                }),
              )
              .min(1),
          }),
        ),
      }),
    ),
  ),
});

export const ingressClassSchema: z.ZodType<IngressClass> = z.looseObject({
  controller: optional(text),
});
