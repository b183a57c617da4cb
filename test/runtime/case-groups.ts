import { CLOSE_CASES } from "./cases-close.ts";
import { CONN_CASES } from "./cases-conn.ts";
import { DIAL_CASES } from "./cases-dial.ts";
import { LISTEN_CASES } from "./cases-listen.ts";
import { PASS_CASES } from "./cases-pass.ts";
import { TUNNEL_LIMIT_CASES } from "./cases-tunnel-limits.ts";
import { TUNNEL_CASES } from "./cases-tunnel.ts";
import type { Case } from "./recorder.ts";

/** Every case of the suite, by what it is about. */
export const CASE_GROUPS: Readonly<Record<string, readonly Case[]>> = {
  "Runtime.listen()": LISTEN_CASES,
  Conn: [...CONN_CASES, ...CLOSE_CASES],
  "Runtime.dial()": DIAL_CASES,
  "Runtime.pass()": PASS_CASES,
  "Runtime.join()": [...TUNNEL_CASES, ...TUNNEL_LIMIT_CASES],
};
