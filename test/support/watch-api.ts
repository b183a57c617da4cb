/** A Kubernetes API with one kind of object, whose watch has an event every so often; and WebSockets that send back what they get. */
import { createAuthority, type Certificate } from "../../scripts/lab/toy/certificate.ts";

const EVENT_MS = 50;
const MAPS = "/api/v1/namespaces/default/configmaps";

const RESOURCES = {
  kind: "APIResourceList",
  groupVersion: "v1",
  resources: [
    {
      name: "configmaps",
      singularName: "configmap",
      namespaced: true,
      kind: "ConfigMap",
      verbs: ["get", "list", "watch"],
    },
  ],
};

export interface WatchApi {
  /** Of who signed its certificate, PEM. */
  readonly ca: string;
  stop(): void;
}

/** @param ports With TLS and without. @param name What its certificate is for. */
export async function startWatchApi(
  ip: string,
  ports: { readonly api: number; readonly http: number },
  name: string,
): Promise<WatchApi> {
  const authority = await createAuthority("watch");
  const tls = await authority.issue({ names: [name] });
  const servers = [serve(ip, ports.http), serve(ip, ports.api, tls)];
  return {
    ca: authority.ca,
    stop() {
      for (const server of servers) void server.stop(true);
    },
  };
}

function serve(ip: string, port: number, tls?: Certificate): Bun.Server<undefined> {
  return Bun.serve({
    hostname: ip,
    port,
    ...(tls === undefined ? {} : { tls }),
    idleTimeout: 0,
    fetch(request, self) {
      const { pathname, searchParams } = new URL(request.url);
      if (request.headers.get("upgrade") === "websocket") {
        return self.upgrade(request, { data: undefined }) ? undefined : new Response("no", { status: 400 });
      }
      if (pathname === MAPS && searchParams.has("watch")) return new Response(events(), { headers: JSON_TYPE });
      return Response.json(answer(pathname), { status: answer(pathname) === null ? 404 : 200 });
    },
    websocket: { idleTimeout: 0, message: (socket, text) => void socket.send(text) },
  });
}

const JSON_TYPE = { "content-type": "application/json" };

function answer(pathname: string): object | null {
  switch (pathname) {
    case "/readyz":
      return { ok: true };
    case "/version":
      return { major: "1", minor: "33", gitVersion: "v1.33.0" };
    case "/api":
      return { kind: "APIVersions", versions: ["v1"] };
    case "/apis":
      return { kind: "APIGroupList", apiVersion: "v1", groups: [] };
    case "/api/v1":
      return RESOURCES;
    case MAPS:
      return { kind: "ConfigMapList", apiVersion: "v1", metadata: { resourceVersion: "0" }, items: [map(0)] };
    default:
      return null;
  }
}

function map(version: number): object {
  const metadata = { name: "counted", namespace: "default", resourceVersion: String(version) };
  return { kind: "ConfigMap", apiVersion: "v1", metadata };
}

function events(): ReadableStream<Uint8Array> {
  let version = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => {
        const event = { type: "MODIFIED", object: map(++version) };
        controller.enqueue(new TextEncoder().encode(`${JSON.stringify(event)}\n`));
      }, EVENT_MS);
    },
    cancel: () => clearInterval(timer),
  });
}
