/** What an editor that follows the file's schema would mark. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { fileSchema } from "../../../src/config/options/schema.ts";

const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(fileSchema());

/** `/clusters/hub/nodes must match pattern …`; empty when the schema finds nothing. */
export function schemaFaults(yaml: string): readonly string[] {
  if (validate(parse(yaml, { logLevel: "silent" }))) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
