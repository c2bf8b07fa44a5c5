/** For tests: signs revisions with a key per mesh that lives in memory, and verifies them. */
import {
  generateSigningKey,
  headerHash,
  importSigner,
  importVerifier,
  keyId,
  signHeader,
  verifyHeader,
} from "@heddle/sync";
import type { RevisionHeader, RevisionSigner } from "../deps.ts";

export interface MemorySigner extends RevisionSigner {
  verify(header: RevisionHeader, signature: string, keyId: string): Promise<boolean>;
}

export function memorySigner(): MemorySigner {
  const keys = new Map<string, ReturnType<typeof makeKey>>();
  const keyOf = (mesh: string) => {
    let key = keys.get(mesh);
    if (!key) keys.set(mesh, (key = makeKey()));
    return key;
  };
  return {
    async sign(_tx, mesh, header) {
      const key = await keyOf(mesh.id);
      return {
        hash: await headerHash(header),
        signature: await signHeader(header, key.signer),
        keyId: key.id,
      };
    },
    async verify(header, signature, id) {
      const key = await keyOf(header.mesh);
      return key.id === id && verifyHeader(header, signature, key.verifier);
    },
  };
}

async function makeKey() {
  const { publicKey, privateKey } = await generateSigningKey();
  return {
    id: await keyId(publicKey),
    signer: await importSigner(privateKey),
    verifier: await importVerifier(publicKey),
  };
}
