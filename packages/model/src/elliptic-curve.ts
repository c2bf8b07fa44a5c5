/** The curves of the NIST (FIPS 186-5; SEC 2, section 2), as far as it takes to tell a point of one from any two numbers. */

interface Curve {
  readonly prime: bigint;
  readonly b: bigint;
  /** Of a coordinate, in bytes. */
  readonly bytes: number;
}

/** On all of them y² = x³ − 3x + b. */
const CURVES: Readonly<Record<string, Curve>> = {
  "P-256": {
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
    bytes: 32,
  },
  "P-384": {
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
    bytes: 48,
  },
  "P-521": {
    prime: 2n ** 521n - 1n,
    b: 0x0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00n,
    bytes: 66,
  },
};

/** Whether two coordinates, big-endian and of the curve's own length, are those of a point of it; undefined for another curve. */
export function isOnCurve(name: string, x: Uint8Array, y: Uint8Array): boolean | undefined {
  const curve = Object.hasOwn(CURVES, name) ? CURVES[name] : undefined;
  if (curve === undefined) return undefined;
  const { prime, b, bytes } = curve;
  if (x.length !== bytes || y.length !== bytes) return false;
  const [px, py] = [numberOf(x), numberOf(y)];
  if (px >= prime || py >= prime) return false;
  return (py * py - (px * px * px - 3n * px + b)) % prime === 0n;
}

function numberOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
}
