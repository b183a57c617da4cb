/** HAProxy's statistics as CSV, all columns of 2.6 in order, for the dashboards and exporters that read them. */
import type { Answers, EndpointStatus, PoolStatus, Traffic } from "../control/status/pool-report.ts";
import type { ClusterStatus, Status } from "../control/status/report.ts";
import { formatEndpoint } from "../core/address.ts";
import { ANSWERS, type HealthWord } from "../seam/board.ts";
import { serviceNamed, SERVICES, type ServiceName } from "../seam/services.ts";

/** In the order of HAProxy 2.6. The dash parts its core from what its protocols add. */
export const COLUMNS: readonly string[] = `
  pxname svname qcur qmax scur smax slim stot bin bout dreq dresp ereq econ eresp wretr wredis status
  weight act bck chkfail chkdown lastchg downtime qlimit pid iid sid throttle lbtot tracked type rate
  rate_lim rate_max check_status check_code check_duration hrsp_1xx hrsp_2xx hrsp_3xx hrsp_4xx hrsp_5xx
  hrsp_other hanafail req_rate req_rate_max req_tot cli_abrt srv_abrt comp_in comp_out comp_byp comp_rsp
  lastsess last_chk last_agt qtime ctime rtime ttime agent_status agent_code agent_duration check_desc
  agent_desc check_rise check_fall check_health agent_rise agent_fall agent_health addr cookie mode algo
  conn_rate conn_rate_max conn_tot intercepted dcon dses wrew connect reuse cache_lookups cache_hits
  srv_icur src_ilim qtime_max ctime_max rtime_max ttime_max eint idle_conn_cur safe_conn_cur used_conn_cur
  need_conn_est uweight agg_server_status agg_server_check_status agg_check_status - ssl_sess
  ssl_reused_sess ssl_failed_handshake h2_headers_rcvd h2_data_rcvd h2_settings_rcvd h2_rst_stream_rcvd
  h2_goaway_rcvd h2_detected_conn_protocol_errors h2_detected_strm_protocol_errors h2_rst_stream_resp
  h2_goaway_resp h2_open_connections h2_backend_open_streams h2_total_connections h2_backend_total_streams
  h1_open_connections h1_open_streams h1_total_connections h1_total_streams h1_bytes_in h1_bytes_out
  h1_spliced_bytes_in h1_spliced_bytes_out
`
  .trim()
  .split(/\s+/);

type Row = Readonly<Record<string, string | number>>;

/** `type` of a row. */
const FRONTEND = 0;
const BACKEND = 1;
const SERVER = 2;

const STATES: Readonly<Record<HealthWord, string>> = {
  unknown: "no check",
  up: "UP",
  "not-ready": "NOLB",
  dead: "DOWN",
  drained: "DRAIN",
  foreign: "MAINT",
};

/** `check_status` by rung and outcome: what layer the probe got to. */
function checkStatus({ state, reason }: EndpointStatus, rung: string | null): string {
  if (state === "unknown") return "INI";
  const layer = rung === "tcp" ? "L4" : rung === "tls" ? "L6" : "L7";
  if (state === "up" || state === "drained") return `${layer}OK`;
  if (/refused|unreachable|reset/.test(reason)) return "L4CON";
  if (/no answer|timed? ?out|silent/.test(reason)) return layer === "L4" ? "L4TOUT" : `${layer}TOUT`;
  return layer === "L7" ? "L7STS" : "L6RSP";
}

/** One line for each listener, endpoint and pool; ends with a line feed. */
export function csvText(status: Status): string {
  const backends = status.clusters.flatMap((cluster, index) =>
    cluster.pools.flatMap((pool) => backendRows(cluster, pool, status.listeners.length + index + 1)),
  );
  const rows = [...frontendRows(status), ...backends];
  return `# ${[...COLUMNS, ""].join(",")}\n${rows.map(line).join("")}`;
}

function line(row: Row): string {
  return `${[...COLUMNS.map((column) => cell(row[column] ?? "")), ""].join(",")}\n`;
}

/** RFC 4180: quotes where a comma, a quote or a line's end would break the row. */
function cell(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function frontendRows(status: Status): readonly Row[] {
  const kinds = [...new Set(status.listeners.map(({ kind }) => kind))];
  return kinds.map((kind, index) => {
    const pools = status.clusters.flatMap(({ pools }) => pools.filter((pool) => pool.kind === kind));
    const listener = status.listeners.find((each) => each.kind === kind);
    return {
      pxname: kind,
      svname: "FRONTEND",
      scur: listener?.connections ?? 0,
      slim: status.connections.limit,
      stot: listener?.total ?? 0,
      ...bytesOf(pools),
      dreq: 0,
      dresp: 0,
      ereq: 0,
      status: status.stopping ? "STOP" : "OPEN",
      pid: 1,
      iid: index + 1,
      sid: 0,
      type: FRONTEND,
      addr: status.listeners
        .filter((each) => each.kind === kind)
        .map(({ address }) => address)
        .join(" "),
      mode: modeOf(kind),
      ...answersOf(addedAnswers(pools)),
      conn_tot: listener?.total ?? 0,
      "-": "-",
    };
  });
}

function backendRows(cluster: ClusterStatus, pool: PoolStatus, iid: number): readonly Row[] {
  const pxname = `${pool.kind}_${cluster.name}`;
  const up = pool.endpoints.filter(({ state }) => state === "up").length;
  const servers = pool.endpoints.map((endpoint, index) => serverRow(pxname, pool, endpoint, iid, index + 1));
  const all: Row = {
    pxname,
    svname: "BACKEND",
    qcur: 0,
    qmax: 0,
    ...trafficOf(pool),
    econ: sumOf(pool.endpoints.map(({ failures }) => failures)),
    ...answersOf(pool.answers),
    ...(pool.outages === undefined ? {} : { chkdown: pool.outages.downs, downtime: pool.outages.downSeconds }),
    status: up > 0 ? "UP" : "DOWN",
    weight: up,
    act: up,
    bck: 0,
    lastchg: pool.sinceSeconds,
    pid: 1,
    iid,
    sid: 0,
    lbtot: pool.total,
    type: BACKEND,
    mode: modeOf(pool.kind),
    algo: pool.policy,
    "-": "-",
  };
  return [...servers, all];
}

function serverRow(pxname: string, pool: PoolStatus, endpoint: EndpointStatus, iid: number, sid: number): Row {
  return {
    pxname,
    svname: endpoint.node,
    qcur: 0,
    qmax: 0,
    ...trafficOf(endpoint),
    econ: endpoint.failures,
    ...answersOf(endpoint.answers),
    ...checksOf(endpoint),
    status: STATES[endpoint.state],
    weight: 1,
    act: endpoint.state === "up" ? 1 : 0,
    bck: 0,
    lastchg: endpoint.sinceSeconds,
    pid: 1,
    iid,
    sid,
    lbtot: endpoint.total,
    type: SERVER,
    check_status: checkStatus(endpoint, pool.rung),
    last_chk: endpoint.reason,
    check_desc: endpoint.reason,
    addr: formatEndpoint(endpoint.ip, endpoint.port),
    mode: modeOf(pool.kind),
    "-": "-",
  };
}

function trafficOf({ active, total, bytesUp, bytesDown }: Traffic): Row {
  return { scur: active, stot: total, bin: bytesUp, bout: bytesDown };
}

/** What was asked of a node, and how it answered; blank where HTTP is not spoken, as HAProxy has it. */
function answersOf(answers: Answers | undefined): Row {
  if (answers === undefined) return {};
  const columns = ANSWERS.map((answer) => [`hrsp_${answer}`, answers[answer]]);
  return { ...Object.fromEntries(columns), hrsp_other: 0, req_tot: sumOf(ANSWERS.map((answer) => answers[answer])) };
}

function addedAnswers(pools: readonly PoolStatus[]): Answers | undefined {
  const known = pools.flatMap(({ answers }) => answers ?? []);
  if (known.length === 0) return undefined;
  return Object.fromEntries(ANSWERS.map((name) => [name, sumOf(known.map((each) => each[name]))])) as Answers;
}

function checksOf({ checks, reason }: EndpointStatus): Row {
  if (checks === undefined) return {};
  const code = /^\/\S+ (\d{3})\b/.exec(reason)?.[1] ?? "";
  return {
    chkfail: checks.failed,
    chkdown: checks.downs,
    downtime: checks.downSeconds,
    check_code: code,
    check_duration: checks.lastMs === null ? "" : Math.round(checks.lastMs),
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function bytesOf(pools: readonly Traffic[]): Row {
  return {
    bin: sumOf(pools.map(({ bytesUp }) => bytesUp)),
    bout: sumOf(pools.map(({ bytesDown }) => bytesDown)),
  };
}

function modeOf(kind: ServiceName): string {
  return serviceNamed(SERVICES, kind)?.routedBy === "host" ? "http" : "tcp";
}
