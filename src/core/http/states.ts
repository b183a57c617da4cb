/**
 * The states of an HTTP session: four small machines, and every change that there is. What is not listed does not happen.
 * `session.ts` moves the phase, `relay.ts` the node, `ask.ts` and `answer.ts` their own.
 */

/**
 * The client's connection.
 *
 * | from     | when                                                                                         | to       |
 * | -------- | -------------------------------------------------------------------------------------------- | -------- |
 * | waiting  | a request's head is complete                                                                 | exchange |
 * | waiting  | the head is malformed or late; nothing comes in `keepAlive`; FIN; drain; the client is gone | over     |
 * | waiting  | a reply of our own: there is no room for this connection | over |
 * | exchange | request and answer are complete                                                              | waiting  |
 * | exchange | they are, and the request, the answer or a drain says close                                  | over     |
 * | exchange | a reply of our own; the protocol changes (101); FIN inside the request; the client is gone   | over     |
 * | exchange | it fails: malformed, idle, cut, the node left                                                | over     |
 */
export type Phase = "waiting" | "exchange" | "over";

/**
 * The connection to a node.
 *
 * | from    | when                                                                                     | to      |
 * | ------- | ---------------------------------------------------------------------------------------- | ------- |
 * | none    | a request is routed                                                                      | dialing |
 * | open    | a request is routed to where this connection does not lead                               | dialing |
 * | open    | it ended unanswered, had served a request before, and this one may be sent twice         | dialing |
 * | dialing | a node took the connection                                                               | open    |
 * | dialing | none did, or the phase is over                                                           | none    |
 * | open    | it ended; its answer is complete and it cannot serve again; 101; the phase is over       | none    |
 */
export type NodeState = "none" | "dialing" | "open";

/**
 * The request.
 *
 * | from  | when                                              | to    |
 * | ----- | ------------------------------------------------- | ----- |
 * | head  | its head is complete; the body, if any, follows   | asked |
 * | head  | its head is malformed or asks for what is not done | bad   |
 * | asked | its body is malformed                             | bad   |
 * | any   | the exchange is over                              | head  |
 */
export type AskState = "head" | "asked" | "bad";

/**
 * The answer.
 *
 * | from          | when                                                                       | to       |
 * | ------------- | -------------------------------------------------------------------------- | -------- |
 * | any           | the next exchange begins                                                   | awaited  |
 * | awaited       | its final head is complete (1xx are not) and a body follows                | body     |
 * | awaited       | its final head is complete and no body follows                             | done     |
 * | awaited       | 101: another protocol begins after the bytes taken                         | switched |
 * | body          | its end, or that of the connection if it lasts as long                     | done     |
 * | awaited, body | malformed                                                                  | bad      |
 */
export type AnswerState = "awaited" | "body" | "done" | "switched" | "bad";
