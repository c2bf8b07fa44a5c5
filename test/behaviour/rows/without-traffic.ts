/** Fields that no request can show, each with the reason. */
export const withoutTraffic: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
