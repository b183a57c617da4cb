/** `edge-lb export TARGET`: configurations of other programs for the same clusters, and for what stands beside edge-lb. */
import { requireClusters } from "../../config/load.ts";
import type { Config } from "../../config/model.ts";
import { fit, oneOf, quote, unfit, type Reading } from "../../config/values/text.ts";
import { EdgeError } from "../../errors.ts";
import { exportGatewayApi } from "../../migrate/export/gateway-api.ts";
import { exportHaproxy } from "../../migrate/export/haproxy.ts";
import { exportKeepalived } from "../../migrate/export/keepalived.ts";
import { leftOut, type ExportTarget } from "../../migrate/export/left-out.ts";
import { exportNginx } from "../../migrate/export/nginx.ts";
import { ALL_SETTINGS, argument, command, type Call } from "../line/command.ts";
import { single, type ValuesOf } from "../line/command-option.ts";
import { configOf } from "../line/configuration.ts";
import { EXIT } from "../terminal/exit-code.ts";
import { PAIR, pairOf } from "./export-pair.ts";

const GATEWAY = {
  namespace: single("NAME", "gateway-api: the namespace that holds everything (edge-lb)", readObjectName),
  "gateway-class": single("NAME", "gateway-api: the GatewayClass that serves it (edge-lb)", readObjectName),
};

const OPTIONS = { ...PAIR, ...GATEWAY };
type ExportCall = Call<typeof OPTIONS>;

interface Target {
  /** Which of the command's own options it takes. */
  readonly takes: readonly string[];
  write(call: ExportCall): void;
}

/** By the word after `export`. */
const TARGETS: Readonly<Record<string, Target>> = {
  haproxy: { takes: [], write: (call) => writeProxy(call, "haproxy", exportHaproxy) },
  nginx: { takes: [], write: (call) => writeProxy(call, "nginx", exportNginx) },
  keepalived: { takes: Object.keys(PAIR), write: writeKeepalived },
  "gateway-api": { takes: Object.keys(GATEWAY), write: writeGatewayApi },
};
const NAMES = Object.keys(TARGETS);

export const EXPORT = command({
  name: "export",
  help: "Write a config for HAProxy, nginx, a keepalived pair or the Gateway API",
  args: [argument(NAMES.join("|"), NAMES)],
  options: OPTIONS,
  settings: ALL_SETTINGS,
  run(call) {
    const [name = ""] = call.args;
    const target = Object.hasOwn(TARGETS, name) ? TARGETS[name] : undefined;
    if (target === undefined) throw new EdgeError("USAGE", `Cannot export to ${quote(name)}: ${oneOf(NAMES)} wanted`);
    refuseOthers(name, target, call.options);
    target.write(call);
    return EXIT.done;
  },
});

/** Options of another target would be silently without effect. */
function refuseOthers(name: string, { takes }: Target, options: ValuesOf<typeof OPTIONS>): void {
  const foreign = Object.entries(options).flatMap(([flag, value]) => {
    const isGiven = Array.isArray(value) ? value.length > 0 : value !== null;
    return isGiven && !takes.includes(flag) ? [`--${flag}`] : [];
  });
  if (foreign.length > 0)
    throw new EdgeError("USAGE", `Cannot use ${foreign.join(", ")}: export ${name} does not take it`);
}

function withClusters(call: ExportCall): Config {
  const config = configOf(call);
  requireClusters(config);
  return config;
}

function writeProxy(call: ExportCall, target: ExportTarget, write: (config: Config) => string): void {
  const config = withClusters(call);
  call.io.out(write(config));
  for (const note of leftOut(config, target)) call.io.err(`edge-lb: ${note}\n`);
}

function writeKeepalived(call: ExportCall): void {
  call.io.out(exportKeepalived(pairOf(call.options, configOf(call))));
}

function writeGatewayApi(call: ExportCall): void {
  const { namespace, "gateway-class": gatewayClass } = call.options;
  const { text, notes } = exportGatewayApi(withClusters(call), {
    namespace: namespace ?? "edge-lb",
    gatewayClass: gatewayClass ?? "edge-lb",
  });
  call.io.out(text);
  for (const note of notes) call.io.err(`edge-lb: ${note}\n`);
}

/** One DNS label, as Kubernetes names its objects. RFC 1123 §2.1 */
function readObjectName(text: string): Reading<string> {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text) ? fit(text) : unfit("a name such as edge-lb");
}
