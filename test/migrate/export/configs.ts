/** Configurations of every shape, as flags; test/e2e/migrate.test.ts shows their exports to HAProxy and nginx. */
import type { Config } from "../../../src/config/model.ts";
import { loadFlags } from "../fixtures.ts";

const LISTEN = [
  "--listen",
  "api=127.0.0.1:16443",
  "--listen",
  "https=127.0.0.1:10443",
  "--listen",
  "http=127.0.0.1:10080",
];

export const CONFIGS: readonly (readonly [string, readonly string[]])[] = [
  ["one cluster", ["--cluster", "hub=192.168.125.20-25", "--domain", "lab"]],
  [
    "roles, names and a default",
    [
      "--cluster",
      "hub=10.0.0.1-3,ingress=10.0.0.4-5,domain=hub.lab,names=*.shop.lab,shop.lab,api-names=k8s.lab",
      "--default",
      "hub",
    ],
  ],
  ["no domain", ["--cluster", "hub=10.0.0.1", "--cluster", "dev=10.0.0.2"]],
  [
    "limits and clients",
    [
      "--cluster",
      "hub=10.0.0.1,domain=hub.lab,allow=10.0.0.0/8,max-connections=9",
      "--allow",
      "10.0.0.0/8,fd00::/8",
      "--max-connections",
      "100",
      "--max-connections-per-client",
      "5",
      "--trusted-proxies",
      "10.1.0.0/16",
    ],
  ],
  [
    "policies and checks",
    [
      "--cluster",
      "a=10.0.0.1,domain=a.lab,balance-https=host,balance-http=roundrobin,check=tcp",
      "--cluster",
      "b=10.0.0.2,domain=b.lab,check=tls,balance-api=source",
      "--cluster",
      "c=10.0.0.3,domain=c.lab,check=off",
    ],
  ],
  ["IPv6 and host names", ["--cluster", "six=[fd00::1],localhost,domain=six.lab", "--listen", "http=[::1]:10081"]],
  [
    "a redirect and no end of silence",
    ["--cluster", "r=10.0.0.1,domain=r.lab,redirect-https=on", "--timeout", "api-idle=0s"],
  ],
  [
    "further services, who takes the rest, nodes of one service",
    [
      "--cluster",
      "hub=10.0.0.1-3,k0s-api=10.0.0.9,k0s-api-names=*.join.lab,domain=hub.lab,names=*,k0s-api-port=9999",
      "--cluster",
      "acme=https=10.0.1.1,http=10.0.1.2,domain=acme.lab",
      "--listen",
      "k0s-api=127.0.0.1:19443",
      "--listen",
      "rke2=127.0.0.1:19345",
      "--default",
      "hub",
      "--default",
      "http=acme",
    ],
  ],
  ["https alone", ["--cluster", "x=10.0.0.1,domain=x.lab", "--listen", "api=off", "--listen", "http=off"]],
];

export function load(words: readonly string[]): Config {
  return loadFlags(words.includes("api=off") ? words : [...LISTEN, ...words]);
}
