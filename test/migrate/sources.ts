/** Random haproxy.cfg files of the shapes people write, for properties. */
import * as fc from "fast-check";

const LABELS = ["hub", "m1", "m2", "dev", "blue"] as const;
const DOMAINS = ["lab", "lab.example", "corp.lab.example"] as const;

/** One cluster of a generated file. */
interface Cluster {
  readonly label: string;
  readonly domain: string;
  readonly index: number;
}

/** How names are compared; `X` stands for the domain. */
const API_TESTS = [
  "-i api.X",
  "api.X",
  "-i api.X api-int.X",
  "-i -m str api.X",
  "-i -m reg ^api\\.RX$",
  "-i -m reg ^api\\.RX",
  "-m reg -i ^(api|api-int)\\.RX$",
  "-i -m end api.X",
  "-i -m beg api.LABEL.",
];
const APPS_TESTS = [
  "-i -m end .apps.X",
  "-m end .apps.X",
  "-i -m end apps.X",
  "-m reg -i ^[^\\.]+\\.apps\\.RX",
  "-m reg -i ^[^\\.]+\\.apps\\.RX$",
  "-i -m reg \\.apps\\.RX$",
  "-i -m sub .apps.X",
  "-i -m dom apps.X",
  "-i console.apps.X oauth.apps.X",
  "-i *.apps.X",
  "-i -m sub .apps.LABEL.",
];
const NODE_OPTIONS = [
  "",
  "check",
  "check inter 1s",
  "check inter 2s rise 2 fall 3",
  "check weight 5",
  "check backup",
  "check disabled",
  "check-ssl check verify none",
];
const BALANCES = [
  "",
  "balance source",
  "balance roundrobin",
  "balance leastconn",
  "balance hdr(host)",
  "balance uri",
  "balance random",
];
const EXTRAS = [
  "",
  "option ssl-hello-chk",
  "option httpchk GET /readyz",
  "option forwardfor",
  "http-send-name-header Host",
  "retries 3",
  "option tcplog",
  "timeout tunnel 1h",
];

const cluster = fc.record({ label: fc.constantFrom(...LABELS), domain: fc.constantFrom(...DOMAINS) });

const choices = fc.record({
  apiTest: fc.nat(API_TESTS.length - 1),
  appsTest: fc.nat(APPS_TESTS.length - 1),
  named: fc.boolean(),
  negated: fc.boolean(),
  node: fc.nat(NODE_OPTIONS.length - 1),
  balance: fc.nat(BALANCES.length - 1),
  extra: fc.nat(EXTRAS.length - 1),
  nodes: fc.integer({ min: 1, max: 4 }),
  shared: fc.boolean(),
});

const shape = fc.record({
  fallback: fc.constantFrom("none", "first", "missing", "empty"),
  http: fc.constantFrom("off", "hosts", "redirect"),
  inspect: fc.boolean(),
  mcs: fc.constantFrom("", ":22623", "192.168.1.1:22623"),
  timeout: fc.constantFrom("30s", "1h", "24h", "1500"),
  stats: fc.boolean(),
});

/** The text of a configuration. */
export const haproxySource: fc.Arbitrary<string> = fc
  .tuple(
    fc.uniqueArray(cluster, { minLength: 1, maxLength: 4, selector: ({ label }) => label }),
    fc.array(choices, { minLength: 4, maxLength: 4 }),
    shape,
  )
  .map(([clusters, picks, more]) =>
    write(
      clusters.map(({ label, domain }, index) => ({ label, domain: `${label}.${domain}`, index })),
      picks,
      more,
    ),
  );

type Choices = typeof choices extends fc.Arbitrary<infer T> ? T : never;
type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

function write(clusters: readonly Cluster[], picks: readonly Choices[], more: Shape): string {
  const sections = [
    "global\n maxconn 4000\n log 127.0.0.1 local2",
    `defaults\n mode tcp\n timeout connect 5s\n timeout client ${more.timeout}\n timeout server ${more.timeout}`,
    frontend("api", 6443, "req_ssl_sni", clusters, picks, more),
    frontend("https", 443, "req.ssl_sni", clusters, picks, more),
    ...(more.http === "off" ? [] : [frontend("http", 80, "hdr(host)", clusters, picks, more)]),
    ...(more.mcs === "" ? [] : [`listen mcs\n bind ${more.mcs}\n server m 10.1.0.1:22623 check`]),
    ...(more.stats ? ["listen stats\n bind :50000\n mode http\n stats enable\n stats auth admin:secret"] : []),
    ...clusters.flatMap((each) => ["api", "https", "http"].map((kind) => backend(kind, each, picks[each.index]))),
    "backend nowhere\n mode tcp",
  ];
  return `${sections.join("\n\n")}\n`;
}

function frontend(
  kind: string,
  port: number,
  sample: string,
  clusters: readonly Cluster[],
  picks: readonly Choices[],
  more: Shape,
): string {
  const lines = [`frontend ${kind}`, `bind :${port}`];
  if (kind === "http") lines.push("mode http");
  if (kind === "http" && more.http === "redirect") lines.push("redirect scheme https if !{ ssl_fc }");
  if (kind !== "http" && more.inspect)
    lines.push("tcp-request inspect-delay 5s", "tcp-request content accept if { req_ssl_hello_type 1 }");
  for (const each of clusters) lines.push(...rules(kind, sample, each, picks[each.index]));
  const target = { none: "", first: `be_${clusters[0]?.label}_${kind}`, missing: "gone", empty: "nowhere" }[
    more.fallback
  ];
  if (target !== "") lines.push(`default_backend ${target}`);
  return lines.join("\n ");
}

function rules(kind: string, sample: string, { label, domain }: Cluster, pick: Choices | undefined): string[] {
  const tests = kind === "api" ? API_TESTS : APPS_TESTS;
  const written = tests[(kind === "api" ? pick?.apiTest : pick?.appsTest) ?? 0] ?? "";
  const test = `${sample} ${written.replaceAll("RX", domain.replaceAll(".", "\\.")).replaceAll("X", domain).replaceAll("LABEL", label)}`;
  const except = pick?.negated === true ? ` !{ ${sample} -i except.apps.${domain} }` : "";
  const use = `use_backend be_${label}_${kind} if`;
  return pick?.named === true
    ? [`acl is_${label} ${test}`, `${use} is_${label}${except}`]
    : [`${use} { ${test} }${except}`];
}

function backend(kind: string, { label, index }: Cluster, pick: Choices | undefined): string {
  const port = { api: 6443, https: 443, http: 80 }[kind] ?? 0;
  const first = kind === "api" || pick?.shared === true ? 10 : 20;
  const servers = Array.from(
    { length: pick?.nodes ?? 1 },
    (_, n) => `server n${n} 10.0.${index}.${first + n}:${port} ${NODE_OPTIONS[pick?.node ?? 0]}`,
  );
  const lines = [
    `backend be_${label}_${kind}`,
    ...(kind === "http" ? ["mode http"] : []),
    BALANCES[pick?.balance ?? 0] ?? "",
    EXTRAS[pick?.extra ?? 0] ?? "",
  ];
  return [...lines, ...servers].filter((line) => line !== "").join("\n ");
}
