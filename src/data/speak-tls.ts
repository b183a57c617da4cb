/** The answer to a client that speaks HTTP to a TLS port, in the words of nginx's well-known page, as plain text. */
export const SPEAK_TLS = new TextEncoder().encode(
  ((body: string) =>
    `HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`)(
    "This port speaks TLS, and this request came as plain HTTP. Ask again with https://\n",
  ),
);
