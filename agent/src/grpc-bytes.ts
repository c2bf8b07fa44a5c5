/** Methods of the agent's gRPC services: grpc-js carries their messages as bytes, which the services read and write themselves. */

const asIs = (bytes: Buffer): Buffer => bytes;

const bytesAsIs = {
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

/** `/package.Service/Method` */
export function streaming(path: string) {
  return { path, requestStream: true, responseStream: true, ...bytesAsIs } as const;
}

export function unary(path: string) {
  return { path, requestStream: false, responseStream: false, ...bytesAsIs } as const;
}
