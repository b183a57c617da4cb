/** Fields by which a client could say who it is; edge-lb passes them from trusted proxies alone. */
export const SET_HERE = ["For", "Proto", "Host", "Port"].map((name) => `X-Forwarded-${name}`);
export const ONLY_KEPT = [
  "Forwarded",
  "X-Real-IP",
  ...["Prefix", "Scheme", "Server", "Ssl"].map((name) => `X-Forwarded-${name}`),
];
