/** The header in which a proxy tells the next one who is calling, inside mutual TLS only. */

export const PEER_HEADER = "x-heddle-peer-metadata";
