import { describe, expect, test } from "bun:test";
import { readSource } from "../../../src/migrate/source/configuration.ts";
import { evaluate } from "../../../src/migrate/source/evaluator.ts";

const BACKENDS = ["a", "b", "c"].map((name) => `backend ${name}\n server s 127.0.0.1:1\n`).join("");

/** Where one frontend's rules lead: a backend's name or what happens else. */
function leads(
  rules: string,
  name: string | null,
  { mode = "tcp", port = 443, map = "", client }: { mode?: string; port?: number; map?: string; client?: string } = {},
): string {
  const text = `defaults\n mode ${mode}\nfrontend f\n bind :443,:444\n${rules}\n${BACKENDS}`;
  const source = readSource("h.cfg", text, { environment: new Map(), readSide: (path) => (path === "m" ? map : null) });
  const proxy = source.proxies[0];
  if (proxy === undefined) throw new Error("no frontend");
  const outcome = evaluate(source, { proxy, port, name, asMeant: true, ...(client === undefined ? {} : { client }) });
  return outcome.kind === "backend" ? outcome.backend.name : outcome.kind;
}

const X = "use_backend a if { req.ssl_sni -i x.lab }";

describe("evaluate()", () => {
  test.each([
    ["takes the first rule that holds", `${X}\nuse_backend b if { req.ssl_sni -m end .lab }`, "x.lab", "a"],
    ["goes on to the next rule", `${X}\nuse_backend b if { req.ssl_sni -m end .lab }`, "y.lab", "b"],
    ["falls to the default", `${X}\ndefault_backend c`, "y.lab", "c"],
    ["refuses without a default", X, "y.lab", "none"],
    ["refuses when the default has no backend", "default_backend nobody", "y.lab", "none"],
    ["has no name without SNI", `${X}\ndefault_backend c`, null, "c"],
    [
      "joins ACLs of one name with or",
      "acl n req.ssl_sni x.lab\nacl n req.ssl_sni y.lab\nuse_backend a if n",
      "y.lab",
      "a",
    ],
    [
      "joins terms with and",
      "acl n req.ssl_sni -m end .lab\nuse_backend a if n { req.ssl_sni -m beg y. }",
      "x.lab",
      "none",
    ],
    ["knows or", "acl n req.ssl_sni x.lab\nuse_backend a if n or { req.ssl_sni y.lab }", "y.lab", "a"],
    ["knows ||", "use_backend a if { req.ssl_sni x.lab } || { req.ssl_sni y.lab }", "y.lab", "a"],
    ["knows !", "use_backend a if !{ req.ssl_sni x.lab }", "x.lab", "none"],
    ["knows ! apart", "use_backend a if ! { req.ssl_sni x.lab }", "y.lab", "a"],
    ["knows unless", "use_backend a unless { req.ssl_sni x.lab }", "x.lab", "none"],
    ["takes several patterns", "use_backend a if { req.ssl_sni -i x.lab y.lab }", "Y.LAB", "a"],
    ["runs converters", "use_backend a if { req.ssl_sni,lower x.lab }", "X.LAB", "a"],
    ["sees no Host in mode tcp", "use_backend a if { hdr(host) x.lab }", "x.lab", "none"],
    [
      "knows the hello's type",
      "tcp-request content reject if !{ req_ssl_hello_type 1 }\ndefault_backend a",
      "x.lab",
      "a",
    ],
    ["reject ends it", "tcp-request content reject if { req.ssl_sni x.lab }\ndefault_backend a", "x.lab", "none"],
    ["does not know other fetches", "use_backend a if { src 10.0.0.0/8 }", "x.lab", "unknown"],
    ["does not know an undeclared ACL", "use_backend a if nobody", "x.lab", "unknown"],
    [
      "false and unknown is false",
      `use_backend a if { req.ssl_sni x.lab } { src 10.0.0.0/8 }\ndefault_backend c`,
      "y.lab",
      "c",
    ],
    ["counts with a predefined ACL", "use_backend a if TRUE", "x.lab", "a"],
  ])("%s", (_, rules, name, want) => {
    expect(leads(rules, name)).toBe(want);
  });

  test.each([
    [
      "an accept ends its list",
      "tcp-request content accept if { req.ssl_hello_type 1 }\ntcp-request content reject\ndefault_backend a",
      "x.lab",
      "a",
    ],
    [
      "a variable is what it was set to",
      "tcp-request content set-var(sess.sni) req.ssl_sni,lower\nuse_backend a if { var(sess.sni) x.lab }",
      "X.LAB",
      "a",
    ],
    [
      "a variable that nothing sets is empty",
      "use_backend a if { var(sess.sni) x.lab }\ndefault_backend b",
      "x.lab",
      "b",
    ],
    [
      "a capture has the number of its line",
      "tcp-request content capture req.ssl_sni len 9\nuse_backend a if { capture.req.hdr(0) x.lab }",
      "x.lab",
      "a",
    ],
    [
      "a map's answer is found or not",
      "use_backend a if { req.ssl_sni,map(m) -m found }\ndefault_backend b",
      "x.lab",
      "a",
    ],
    [
      "no answer of a map is not found",
      "use_backend a if { req.ssl_sni,map(m) -m found }\ndefault_backend b",
      "z.lab",
      "b",
    ],
    ["no SNI is told by -m found", "use_backend a if !{ req.ssl_sni -m found }\ndefault_backend b", null, "a"],
    ["a trailing dot is cut", "use_backend a if { req.ssl_sni,rtrim(.) x.lab }", "x.lab.", "a"],
    ["a part of the name is replaced", "use_backend a if { req.ssl_sni,regsub(^w\\.,) x.lab }", "w.x.lab", "a"],
    ["one label computes the backend", "use_backend %[req.ssl_sni,field(2,.)]", "x.b.lab", "b"],
  ] as const)("%s", (_, rules, name, want) => {
    expect(leads(rules, name, { map: "x.lab a\n" })).toBe(want);
  });

  test.each([
    ["inside", "10.1.2.3", "a"],
    ["outside", "192.0.2.1", "b"],
  ])("decides by a client's address %s of a list", (_, client, want) => {
    expect(leads("use_backend a if { src 10.0.0.0/8 fd00::/8 }\ndefault_backend b", "x.lab", { client })).toBe(want);
  });

  test.each([
    ["a server by name", "use-server one if { req.ssl_sni x.lab }", "x.lab", "f/one"],
    ["those with a weight else", "use-server one if { req.ssl_sni x.lab }", "y.lab", "f"],
    ["a frontend behind a socket, which ends TLS", "use-server hop if { req.ssl_sni z.lab }", "z.lab", "tls-ends"],
    ["a frontend behind an abstract socket", "use-server far if { req.ssl_sni w.lab }", "w.lab", "c"],
    ["a frontend on loopback", "use-server near if { req.ssl_sni v.lab }", "v.lab", "c"],
  ])("finds %s", (_, rule, name, want) => {
    const text = `defaults
 mode tcp
listen f
 bind :443
 ${rule}
 server one 10.0.0.1:1 weight 0
 server hop unix@/run/x.sock weight 0
 server far abns@x weight 0
 server near 127.0.0.1:4443 weight 0
 server rest 10.0.0.2:443
frontend term
 bind unix@/run/x.sock ssl crt x
 default_backend c
frontend inner
 bind abns@x accept-proxy
 bind 127.0.0.1:4443
 default_backend c
backend c
 server s 10.0.0.3:443
`;
    const source = readSource("h.cfg", text, { environment: new Map(), readSide: () => null });
    const proxy = source.proxies[0];
    if (proxy === undefined) throw new Error("no listen");
    const outcome = evaluate(source, { proxy, port: 443, name, asMeant: true });
    expect(outcome.kind === "backend" ? outcome.backend.name : outcome.kind).toBe(want);
  });

  test.each([
    ["without inspect-delay", "tcp-request content accept if { req.ssl_hello_type 1 }\n", "b"],
    ["without a rule that waits", "tcp-request inspect-delay 5s\n", "b"],
    ["with both", "tcp-request inspect-delay 5s\ntcp-request content accept if { req.ssl_hello_type 1 }\n", "a"],
  ])("HAProxy sees a name only where it waits for the hello: %s", (_, waits, want) => {
    const text = `frontend f\n mode tcp\n bind :443\n${waits}${X}\ndefault_backend b\n${BACKENDS}`;
    const source = readSource("h.cfg", text, { environment: new Map(), readSide: () => null });
    const [proxy] = source.proxies;
    if (proxy === undefined) throw new Error("no frontend");
    const outcome = evaluate(source, { proxy, port: 443, name: "x.lab" });
    expect(outcome.kind === "backend" ? outcome.backend.name : outcome.kind).toBe(want);
  });

  test("routes by the port the client came to", () => {
    const rules = "use_backend a if { dst_port 444 }\ndefault_backend b";
    expect([leads(rules, "x", { port: 444 }), leads(rules, "x", { port: 443 })]).toEqual(["a", "b"]);
  });

  test.each([
    ["hdr_end(host)", "use_backend a if { hdr_end(host) -i .x.lab }", "W.X.lab", "a"],
    ["req.hdr(Host)", "use_backend a if { req.hdr(Host),field(1,:) w.lab }", "w.lab:8080", "a"],
    ["hdr_dom(host)", "use_backend a if { hdr_dom(host) x }", "w.x.lab", "a"],
    ["a redirect", "redirect scheme https if !{ ssl_fc }\ndefault_backend a", "w.lab", "redirect-https"],
    ["deny", "http-request deny if { hdr(host) w.lab }\ndefault_backend a", "w.lab", "none"],
    ["no SNI in mode http", "use_backend a if { req.ssl_sni w.lab }\ndefault_backend b", "w.lab", "b"],
    ["paths of an ordinary request", "use_backend a if { path_beg /x }\ndefault_backend b", "w.lab", "b"],
  ])("in mode http it knows %s", (_, rules, name, want) => {
    expect(leads(rules, name, { mode: "http" })).toBe(want);
  });

  test.each([
    ["exact keys", "%[req.ssl_sni,lower,map(m)]", "X.lab", "a"],
    ["no key and no default", "%[req.ssl_sni,lower,map(m)]", "z.lab", "c"],
    ["a default", "%[req.ssl_sni,lower,map(m,b)]", "z.lab", "b"],
    ["suffixes", "%[req.ssl_sni,map_end(m)]", "w.y.lab", "b"],
    ["a name that is no backend, which leaves the default", "%[req.ssl_sni]", "z.lab", "c"],
    ["a file that is not there", "%[req.ssl_sni,map(none)]", "x.lab", "unknown"],
  ])("maps know %s", (_, target, name, want) => {
    const map = "# names\nx.lab  a\n.y.lab b\n";
    expect(leads(`use_backend ${target}\ndefault_backend c`, name, { map })).toBe(want);
  });
});
