/** The endpoints of one cluster that it takes from EDS, as clients in one place see them. */
import type { ClusterLoadAssignment } from "@heddle/envoy/config/endpoint/v3";
import { type ClusterKey, clusterKeyText, contextOf } from "../cluster/outbound.ts";
import { derivation } from "../read.ts";
import { assignmentOf } from "./assignment.ts";

/** Undefined for clusters that do not take their endpoints from EDS. */
export const loadAssignment = derivation<ClusterKey, ClusterLoadAssignment | undefined>(
  "endpoint/load-assignment",
  clusterKeyText,
  (read, key) => {
    const context = contextOf(read, key);
    if (context === undefined || context.discovery !== "EDS") return undefined;
    return assignmentOf(context);
  },
);
