/**
 * The same clusters behind a Gateway of Kubernetes' Gateway API v1: TLS passed through by SNI, HTTP by Host, nodes as endpoints of
 * Services without a selector. https://gateway-api.sigs.k8s.io, standard channel of v1.5.
 */
import { claimsOf, nameSetsOf, type Claim } from "../../config/clusters/claims.ts";
import type { NodeSpec } from "../../config/values/addresses.ts";
import type { ClusterConfig, Config } from "../../config/model.ts";
import { listenOf, namesOf, nodesFor, portOf } from "../../config/clusters/service-settings.ts";
import { formatYaml } from "../../config/layers/yaml.ts";
import type { Service } from "../../seam/services.ts";
import { leftOutOfGateway } from "./gateway-left-out.ts";
import { ObjectNames, type KubernetesObject } from "./kubernetes.ts";

export interface GatewayOptions {
  /** The namespace that holds everything. */
  readonly namespace: string;
  /** The GatewayClass of the implementation that is to serve it. */
  readonly gatewayClass: string;
}

export interface GatewayExport {
  /** YAML documents, for `kubectl apply -f -`. */
  readonly text: string;
  /** What could not come along, one sentence each. */
  readonly notes: readonly string[];
}

const GATEWAY = "edge-lb";
const API = "gateway.networking.k8s.io/v1";
/** HTTPRoute takes no more hostnames; TLSRoute takes more, but one bound is easier to read. */
const HOSTNAMES_MOST = 16;
/** EndpointSlice takes no more endpoints. */
const ENDPOINTS_MOST = 1_000;
/** What the addresses of one EndpointSlice are. */
const ADDRESS_TYPES = ["IPv4", "IPv6", "FQDN"] as const;

export function exportGatewayApi(config: Config, options: GatewayOptions): GatewayExport {
  const writer = new GatewayWriter(config, options);
  const objects = writer.write();
  const head = [
    "# Written by edge-lb export gateway-api: Gateway API v1 (TLSRoute is in the standard channel since v1.5).",
    `# Apply with kubectl apply -f FILE; gatewayClassName ${options.gatewayClass} must exist there.`,
  ];
  const text = [head.join("\n"), ...objects.map((object) => formatYaml(object).trimEnd())].join("\n---\n");
  return { text: `${text}\n`, notes: [...writer.notes] };
}

class GatewayWriter {
  readonly notes = new Set<string>();
  private readonly config: Config;
  private readonly options: GatewayOptions;
  private readonly names = new ObjectNames();
  private readonly served: readonly Service[];

  constructor(config: Config, options: GatewayOptions) {
    this.config = config;
    this.options = options;
    this.served = config.services.filter((service) => listenOf(config, service).length > 0);
  }

  write(): readonly KubernetesObject[] {
    const { namespace } = this.options;
    const clusters = this.config.clusters.flatMap((cluster) => this.cluster(cluster));
    this.noteSettings();
    return [{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, this.gateway(), ...clusters];
  }

  private object(
    apiVersion: string,
    kind: string,
    name: string,
    body: Readonly<Record<string, unknown>>,
  ): KubernetesObject {
    return { apiVersion, kind, metadata: { name, namespace: this.options.namespace }, ...body };
  }

  private gateway(): KubernetesObject {
    const listeners = this.served.flatMap((service) => {
      const tls = service.routedBy === "sni";
      const kinds = [{ kind: tls ? "TLSRoute" : "HTTPRoute" }];
      return portsOf(this.config, service).map((port) => ({
        name: listenerName(this.config, service, port),
        port,
        protocol: tls ? "TLS" : "HTTP",
        ...(tls ? { tls: { mode: "Passthrough" } } : {}),
        allowedRoutes: { namespaces: { from: "Same" }, kinds },
      }));
    });
    return this.object(API, "Gateway", GATEWAY, {
      spec: { gatewayClassName: this.options.gatewayClass, listeners },
    });
  }

  private cluster(cluster: ClusterConfig): readonly KubernetesObject[] {
    if (cluster.domain === null) {
      const kept = namesOf(cluster).length > 0 ? "; its own names come along" : "";
      this.notes.add(
        `Cluster ${cluster.name} has no domain: api.* and *.apps.* names are left out${kept}; give it domain= or --domain`,
      );
    }
    return this.served.flatMap((service) => this.pool(cluster, service));
  }

  /** One cluster's part of one service: routes, a Service and the nodes behind it. */
  private pool(cluster: ClusterConfig, service: Service): readonly KubernetesObject[] {
    const nodes = nodesFor(cluster, service);
    const claims = this.claims(cluster, service);
    const hostnames = claims.flatMap(hostnameOf);
    const takesRest = claims.some(({ rule }) => rule === "rest") && this.canTakeRest(cluster, service);
    if (nodes.length === 0 || (hostnames.length === 0 && !takesRest)) return [];
    const name = this.names.of(`${cluster.name}-${service.name}`);
    const port = portOf(cluster, service);
    // a route without hostnames takes what no other one does
    const parts = [...chunks(hostnames, HOSTNAMES_MOST), ...(takesRest ? [null] : [])];
    const routes = parts.map((part, index) =>
      this.route(cluster, service, index === 0 ? name : this.names.of(`${name}-more`), { name, port }, part),
    );
    const selectorless = this.object("v1", "Service", name, {
      spec: { ports: [{ name: service.name, port, protocol: "TCP" }] },
    });
    return [...routes, selectorless, ...this.slices(name, service, port, nodes, cluster)];
  }

  private claims(cluster: ClusterConfig, service: Service): readonly Claim[] {
    return claimsOf(cluster, nameSetsOf(this.config.services)).filter((claim) => claim.services.includes(service));
  }

  private canTakeRest(cluster: ClusterConfig, { name, routedBy }: Service): boolean {
    if (routedBy === "host") return true;
    this.notes.add(`"*" of ${cluster.name} is left out on ${name}: a TLSRoute has to say its hostnames`);
    return false;
  }

  private route(
    cluster: ClusterConfig,
    service: Service,
    name: string,
    backend: { readonly name: string; readonly port: number },
    hostnames: readonly string[] | null,
  ): KubernetesObject {
    const tls = service.routedBy === "sni";
    const redirect = { type: "RequestRedirect", requestRedirect: { scheme: "https", statusCode: 301 } };
    const rule = !tls && cluster.redirectHttps ? { filters: [redirect] } : { backendRefs: [backend] };
    const parentRefs = portsOf(this.config, service).map((port) => ({
      name: GATEWAY,
      sectionName: listenerName(this.config, service, port),
    }));
    return this.object(API, tls ? "TLSRoute" : "HTTPRoute", name, {
      spec: { parentRefs, ...(hostnames === null ? {} : { hostnames }), rules: [rule] },
    });
  }

  /** One slice per address family and 1,000 nodes: a slice holds one kind of address. */
  private slices(
    name: string,
    service: Service,
    port: number,
    nodes: readonly NodeSpec[],
    cluster: ClusterConfig,
  ): readonly KubernetesObject[] {
    if (nodes.some(({ isName }) => isName)) {
      this.notes.add(`Cluster ${cluster.name} has nodes given by name: check that your Gateway takes FQDN endpoints`);
    }
    return ADDRESS_TYPES.flatMap((type) =>
      chunks(
        nodes.filter((node) => addressType(node) === type),
        ENDPOINTS_MOST,
      ).map((part) => ({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: this.names.of(`${name}-${type.toLowerCase()}`),
          namespace: this.options.namespace,
          labels: { "kubernetes.io/service-name": name },
        },
        addressType: type,
        ports: [{ name: service.name, port, protocol: "TCP" }],
        endpoints: part.map(({ host }) => ({ addresses: [host], conditions: { ready: true } })),
      })),
    );
  }

  /** What a Gateway has no word for. */
  private noteSettings(): void {
    const { config } = this;
    for (const note of leftOutOfGateway(config, this.served)) this.notes.add(note);
    const limited = config.clusters.filter(({ allow }) => allow.length > 0).map(({ name }) => name);
    if (config.allow.length > 0 || limited.length > 0) {
      const whose = config.allow.length > 0 ? "--allow" : `allow of ${limited.join(", ")}`;
      this.notes.add(
        `${whose} is left out: Gateway API has no list of clients; use a NetworkPolicy or the Gateway's own`,
      );
    }
    if (config.clusters.some(({ sendProxy }) => sendProxy !== 0)) {
      this.notes.add("send-proxy is left out: Gateway API has no PROXY protocol towards nodes");
    }
  }
}

/** Gateway API knows exact names and names below one; null domains match by label, which it cannot. */
function hostnameOf({ rule, name }: Claim): readonly string[] {
  if (rule === "exact") return [name];
  return rule === "below" ? [`*.${name}`] : [];
}

function portsOf(config: Config, service: Service): readonly number[] {
  return [...new Set(listenOf(config, service).map(({ port }) => port))];
}

/** `https`, and `https-8443` for a second port. */
function listenerName(config: Config, service: Service, port: number): string {
  return port === portsOf(config, service)[0] ? service.name : `${service.name}-${port}`;
}

function addressType({ host, isName }: NodeSpec): (typeof ADDRESS_TYPES)[number] {
  if (isName) return "FQDN";
  return host.includes(":") ? "IPv6" : "IPv4";
}

function chunks<T>(all: readonly T[], most: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / most) }, (_, at) => all.slice(at * most, (at + 1) * most));
}
