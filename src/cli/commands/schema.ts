/** `edge-lb schema`: the JSON Schema of the file. */
import { fileSchema } from "../../config/options/schema.ts";
import { command } from "../line/command.ts";
import { EXIT } from "../terminal/exit-code.ts";

export const SCHEMA = command({
  name: "schema",
  help: "Print the JSON Schema of the file, for editors: # yaml-language-server: $schema=FILE",
  run({ io }) {
    io.out(`${JSON.stringify(fileSchema(), null, 2)}\n`);
    return EXIT.done;
  },
});
