/** `edge-lb config example`: a file to begin with. */
import { exampleFile } from "../../config/options/example.ts";
import { quote } from "../../config/values/text.ts";
import { EdgeError } from "../../errors.ts";
import { argument, command } from "../line/command.ts";
import { EXIT } from "../terminal/exit-code.ts";

export const CONFIG = command({
  name: "config",
  help: "Print a file to begin with: edge-lb config example > lab.yaml",
  args: [{ ...argument("example"), completes: ["example"] }],
  run({ args: [what = ""], io }) {
    if (what !== "example") throw new EdgeError("USAGE", `Cannot print config ${quote(what)}: example wanted`);
    io.out(exampleFile());
    return EXIT.done;
  },
});
