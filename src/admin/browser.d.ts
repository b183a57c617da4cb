/** What the server needs of `page-script.ts`, which is compiled apart: it alone has a browser's types. */
declare module "#page-script" {
  export function pageScript(): string;
}
