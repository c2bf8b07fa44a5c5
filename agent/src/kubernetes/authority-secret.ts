/** Where the signing authority of a cluster without a plane lies. All revisions have the same: workloads of one call those of another. */
export const AUTHORITY_SECRET = "heddle-agent-ca";
/** No Secret of a proxy or a gateway: the agent does not follow Secrets of this type, so none can be given it. */
export const AUTHORITY_SECRET_TYPE = "heddle.dev/authority";
