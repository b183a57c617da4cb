/** `wake` and `sleep` of clusters: are their programs there, and may they be run? */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import type { Config } from "../config/model.ts";
import { fail, ok, type Finding } from "./finding.ts";

export async function checkPrograms({ clusters }: Pick<Config, "clusters">): Promise<readonly Finding[]> {
  const wanted = clusters.flatMap(({ name, wake, sleep }) =>
    Object.entries({ wake, sleep }).flatMap(([key, program]) => (program === null ? [] : [{ name, key, program }])),
  );
  return Promise.all(
    wanted.map(async ({ name, key, program }) => {
      const why = await whyNot(program);
      if (why === null) return ok(`${name}: ${key}=${program} can be run`);
      const what = key === "wake" ? "nobody wakes it" : "nobody puts it to sleep";
      return fail(`${name}: ${key}=${program} ${why}: ${what}`, `${why === NO_FILE ? "ls -l" : "chmod +x"} ${program}`);
    }),
  );
}

const NO_FILE = "is not there";

async function whyNot(program: string): Promise<string | null> {
  const isFile = await stat(program).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return NO_FILE;
  return access(program, constants.X_OK).then(
    () => null,
    () => "may not be executed",
  );
}
