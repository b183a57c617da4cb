/** The JSON Schema of the file, from the option table: editors complete and check with it. */
import { CLUSTER, CLUSTER_KEYS } from "./cluster-options.ts";
import type { Option } from "./option.ts";
import { GLOBAL, TOP_OPTIONS } from "./options.ts";
import { LISTEN } from "./service-options.ts";
import { NAME_PATTERN } from "../values/patterns.ts";
import type { Form } from "../values/codec.ts";

export type Schema = Readonly<Record<string, unknown>>;

/** @see https://json-schema.org/draft/2020-12/schema */
export function fileSchema(): Schema {
  const properties: Record<string, Schema> = {};
  for (const option of TOP_OPTIONS) {
    const [key = "", item] = option.yaml?.split(".") ?? [];
    if (key !== "" && item === undefined) properties[key] = optionSchema(option);
  }
  const groups = new Set(
    TOP_OPTIONS.flatMap(({ yaml }) => (yaml?.includes(".") === true ? [yaml.split(".")[0] ?? ""] : [])),
  );
  for (const group of groups)
    properties[group] = groupSchema(TOP_OPTIONS.filter(({ yaml }) => yaml?.startsWith(`${group}.`)));
  properties["default"] = defaultSchema();
  properties["listen"] = listenSchema();
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "edge-lb",
    description: "Any number of Kubernetes and OpenShift clusters behind one IP, without terminating TLS",
    type: ["object", "null"],
    properties: { ...properties, clusters: clustersSchema() },
    additionalProperties: false,
    // a file that adds no service has no keys for one: what looks like one is mistyped
    if: { properties: { listen: named(Object.keys(LISTEN)) } },
    // oxlint-disable-next-line unicorn/no-thenable -- JSON Schema's word
    then: {
      properties: {
        default: named(["*", ...Object.keys(LISTEN)]),
        clusters: { type: ["object", "null"], additionalProperties: named([...CLUSTER_KEYS.keys()]) },
      },
    },
  };
}

/** If it has keys, then these. */
function named(keys: readonly string[]): Schema {
  return { type: ["object", "string", "number", "boolean"], propertyNames: { enum: keys } };
}

/** One cluster, or one for each service. */
function defaultSchema(): Schema {
  const { help } = GLOBAL.defaultCluster;
  const cluster = whole(NAME_PATTERN);
  const each = { type: "object", properties: { "*": cluster }, patternProperties: { [SERVICE]: cluster } };
  return { description: help, anyOf: [cluster, { ...each, additionalProperties: false }] };
}

/** The built-in services, and any other name: that makes a further one. */
function listenSchema(): Schema {
  const own = Object.values(LISTEN);
  return withPatterns(groupSchema(own), { [further(NO_SERVICES)]: optionSchema({ ...LISTEN.api, inert: null }) });
}

const SERVICE = "^[a-z][a-z0-9-]{0,14}$";

/** Names that no further service has: those of built-in ones and of listeners that are none, and what would have a key of its own already. */
const NO_SERVICES: ReadonlySet<string> = new Set([
  ...Object.keys(LISTEN),
  "admin",
  "control",
  ...[...CLUSTER_KEYS.keys()].flatMap((key) => [key, key.replace(/-(port|names)$|^balance-/, "")]),
]);

/** A name of a service that is none of these. */
function further(but: Iterable<string>): string {
  return `^(?!(${[...but].join("|")})$)(?!.*-(port|names)$)(?!balance-)[a-z][a-z0-9-]{0,14}$`;
}

/** The keys of further services: which there are, `listen` says. */
function furtherKeys(): Schema {
  const but = `(?!(${[...CLUSTER_KEYS.keys()].join("|")})$)`;
  const name = "[a-z][a-z0-9-]{0,14}";
  return {
    [further(NO_SERVICES)]: optionSchema(CLUSTER.api),
    [`^${but}${name}-port$`]: optionSchema(CLUSTER.ports.api),
    [`^${but}${name}-names$`]: optionSchema(CLUSTER.names),
    [`^${but}balance-${name}$`]: optionSchema(CLUSTER.balance.api),
  };
}

function withPatterns(group: Schema, patternProperties: Schema): Schema {
  return { ...group, patternProperties };
}

function clustersSchema(): Schema {
  const spec = { description: "As behind --cluster NAME=: nodes, then keys", type: "string", minLength: 1 };
  return {
    description: "Each cluster by its name",
    type: ["object", "null"],
    propertyNames: whole(NAME_PATTERN),
    additionalProperties: {
      anyOf: [
        spec,
        withPatterns(groupSchema([...CLUSTER_KEYS.values()].filter(({ yaml }) => yaml !== null)), furtherKeys()),
      ],
    },
  };
}

/** Options by the last part of their key. */
function groupSchema(options: readonly Option<unknown>[]): Schema {
  const entries = options.map((option) => [option.item ?? option.flag, optionSchema(option)]);
  return { type: "object", properties: Object.fromEntries(entries), additionalProperties: false };
}

function optionSchema(option: Option<unknown>): Schema {
  const { help, fallbackShown, many } = option;
  const description = fallbackShown === "" ? help : `${help} (${fallbackShown})`;
  return { description, ...(many ? listSchema(option) : anyOf(formSchemas(option.form))) };
}

/** A text with commas, or a list of such texts; the word for nothing stands alone. */
function listSchema({ form, inert }: Option<unknown>): Schema {
  const item =
    form?.pattern === undefined
      ? anyOf(formSchemas(form))
      : texts(`\\s*${form.pattern}\\s*(,\\s*${form.pattern}\\s*)*`);
  const none = inert === null ? [] : [{ const: inert }];
  return anyOf([...none, item, { type: "array", items: anyOf([...none, item]), minItems: 1 }]);
}

function anyOf(schemas: readonly Schema[]): Schema {
  const [first, ...more] = schemas;
  return first !== undefined && more.length === 0 ? first : { anyOf: schemas };
}

/** YAML's core schema makes numbers of `08080` and `1.10`, and booleans of `true`; edge-lb reads the text that was written. */
function formSchemas(form: Form | null): readonly Schema[] {
  if (form === null) return [{ type: ["string", "number", "boolean"] }];
  const { words = [], pattern, range } = form;
  const schemas: Schema[] = [];
  const booleans = [true, false].filter((each) => words.includes(String(each)));
  if (words.length > 0) schemas.push({ enum: [...words, ...booleans] });
  if (pattern !== undefined) schemas.push(texts(pattern));
  if (range !== undefined) {
    const [minimum, maximum] = range;
    schemas.push({ type: "integer", minimum, maximum }, whole("[1-9]\\d{0,9}"));
  }
  return schemas;
}

/** Where digits alone are a text, a YAML reader may have made a number of them. */
function texts(pattern: string): Schema {
  const exact = `^${pattern}$`;
  return { type: new RegExp(exact).test("8080") ? ["string", "number"] : "string", pattern: exact };
}

function whole(pattern: string): Schema {
  return { type: "string", pattern: `^${pattern}$` };
}
