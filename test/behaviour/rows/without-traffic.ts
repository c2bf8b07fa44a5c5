/** Fields that no request can show, each with the reason. */
export const withoutTraffic: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  WorkloadGroup: {
    "template.address":
      "each workload has its own; a warning, HDL0032, says that this one is not used",
  },
};
