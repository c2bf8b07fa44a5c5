/** Schema of Gateway: every field of networking.istio.io/v1, v1beta1 and v1alpha3. */
import { z } from "zod";
import type { Gateway } from "../kinds/gateway.ts";
import { bool, fields, optional, text, textMap, texts, uint32 } from "./fields.ts";

const tlsProtocol = z.enum(["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"]);

const certificate = fields({
  serverCertificate: optional(text),
  privateKey: optional(text),
  caCertificates: optional(text),
});

export const serverTls = fields({
  httpsRedirect: optional(bool),
  mode: optional(
    z.enum([
      "PASSTHROUGH",
      "SIMPLE",
      "MUTUAL",
      "AUTO_PASSTHROUGH",
      "ISTIO_MUTUAL",
      "OPTIONAL_MUTUAL",
    ]),
  ),
  serverCertificate: optional(text),
  privateKey: optional(text),
  caCertificates: optional(text),
  caCrl: optional(text),
  credentialName: optional(text),
  credentialNames: optional(z.array(text).min(1).max(2)),
  caCertCredentialName: optional(text),
  tlsCertificates: optional(z.array(certificate).min(1).max(2)),
  subjectAltNames: optional(texts),
  verifyCertificateSpki: optional(texts),
  verifyCertificateHash: optional(texts),
  minProtocolVersion: optional(tlsProtocol),
  maxProtocolVersion: optional(tlsProtocol),
  cipherSuites: optional(texts),
  ecdhCurves: optional(texts),
  insecureSkipVerify: optional(bool),
});

export const gatewaySchema: z.ZodType<Gateway> = fields({
  servers: optional(
    z.array(
      fields({
        port: fields({
          number: uint32,
          protocol: text,
          name: text,
          targetPort: optional(uint32),
        }),
        bind: optional(text),
        hosts: texts,
        tls: optional(serverTls),
        defaultEndpoint: optional(text),
        name: optional(text),
      }),
    ),
  ),
  selector: optional(textMap),
});
