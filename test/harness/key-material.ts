/** Private keys and secrets in any of the forms in which they get into files, logs and answers. */
import { createPrivateKey } from "node:crypto";

/** What a private key looks like whoever's it is: PEM, and the beginnings of PKCS #8 and SEC 1 that end where the secret begins. */
const LOOKS = [
  "PRIVATE KEY-----",
  ...[
    // P-256 in PKCS #8, with the curve twice or once; in SEC 1; Ed25519 in PKCS #8; RSA of 2048 and 4096 bits.
    "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
    "3041020100301306072a8648ce3d020106082a8648ce3d0301070427302502010104",
    "30770201010420",
    "302e020100300506032b657004220420",
    "020100300d06092a864886f70d0101010500048204",
    "020100300d06092a864886f70d0101010500048209",
  ].flatMap((hex) => formsOf(Buffer.from(hex, "hex"))),
] as const;
/** A private key as JSON (RFC 7517): the member that the public one does not have. */
const JWK = /"d"\s*:\s*"[\w-]{40,}"/;

/** The bytes themselves in Latin 1, in hexadecimal, and in base64 wherever in a longer text they begin. */
export function formsOf(bytes: Buffer): string[] {
  const shifted = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "")
      // Characters that the bytes before and behind have a part in.
      .slice(shift === 0 ? 0 : shift + 1, -1),
  );
  const hex = bytes.toString("hex");
  const base64 = shifted.flatMap((text) => [
    text,
    text.replaceAll("+", "-").replaceAll("/", "_"),
    // As JSON may have it.
    text.replaceAll("/", "\\/"),
  ]);
  return [...new Set([bytes.toString("latin1"), hex, hex.toUpperCase(), ...base64])];
}

/** The number that a private key in PEM is about, alone. */
export function secretOf(pem: string): Buffer {
  const { d = "" } = createPrivateKey(pem).export({ format: "jwk" }) as { d?: string };
  return Buffer.from(d, "base64url");
}

export interface Secret {
  readonly name: string;
  readonly forms: readonly string[];
}

/** What is found in a text that holds no secret; empty is well. Bytes are given in Latin 1. */
export function keyMaterialIn(text: string, secrets: readonly Secret[]): string[] {
  return [
    ...LOOKS.filter((form) => text.includes(form)).map(
      (form) => `a private key (${JSON.stringify(form.slice(0, 24))})`,
    ),
    ...(JWK.test(text) ? ["a private key in JSON"] : []),
    ...secrets
      .filter(({ forms }) => forms.some((form) => text.includes(form)))
      .map(({ name }) => name),
  ];
}
