/** Fields that no request can show, each with the reason. */
export const withoutTraffic: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Gateway: {
    "servers[].port.name":
      "a name for people and for patches, unlike those of the Gateway's other ports",
  },
};
