import { describe, expect, test } from "bun:test";
import { added, forward, IDLE_MS, Lab, SETTINGS } from "../../../scripts/fuzz/session-lab.ts";

const HOST = "a.apps.hub.lab";
const OTHER = "b.apps.managed1.lab";
const GET = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
const GET_AT_NODE = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n${added(HOST)}\r\n`;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function post(body: string, fields = ""): string {
  return `POST /p HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

describe("HttpSession", () => {
  test("sends a request on and its answer back, byte for byte", () => {
    const lab = new Lab().send(GET);
    expect(lab.node.received).toBe(GET_AT_NODE);
    lab.answer(OK);
    expect(lab.received).toBe(OK);
    expect(lab.clientState).toBe("open");
    expect(lab.ends.map(({ end, status, up, down }) => [end, status, up, down])).toEqual([
      ["done", 200, GET_AT_NODE.length, OK.length],
    ]);
  });

  test("keeps both connections for the next request", () => {
    const lab = new Lab().send(GET).answer(OK).send(GET).answer(OK);
    expect(lab.nodes.length).toBe(1);
    expect(lab.node.received).toBe(GET_AT_NODE + GET_AT_NODE);
    expect(lab.received).toBe(OK + OK);
  });

  test("costs one write to each side on a kept-alive connection", () => {
    const lab = new Lab().send(GET).answer(OK);
    lab.writes = 0;
    lab.send(GET).answer(OK);
    expect(lab.writes).toBe(2);
    lab.writes = 0;
    lab.send(post("12345")).answer("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok");
    expect(lab.writes).toBe(2);
  });

  test("takes the next request to another cluster on a new connection", () => {
    const lab = new Lab().send(GET).answer(OK).send(GET.replace(HOST, OTHER)).answer(OK);
    expect(lab.nodes.map(({ state }) => state)).toEqual(["finished", "open"]);
    expect(lab.node.received).toContain(`Host: ${OTHER}`);
    expect(lab.received).toBe(OK + OK);
  });

  test("looks at a pipelined request only when the last answer is complete", () => {
    const lab = new Lab().send(GET + GET.replace(HOST, OTHER) + GET);
    expect(lab.nodes.length).toBe(1);
    expect(lab.clientReading).toBe(false);
    lab.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
    expect(lab.nodes.length).toBe(2);
    lab.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
    lab.answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nthr");
    expect(lab.received.match(/one|two|thr/g)).toEqual(["one", "two", "thr"]);
    expect(lab.clientReading).toBe(true);
  });

  test("answers what came before a malformed pipelined request, and nothing after it", () => {
    const lab = new Lab().send(`${GET}GET / HTTP/1.1\r\nHost : x\r\n\r\n${GET}`).answer(OK);
    expect(lab.received.startsWith(OK)).toBe(true);
    expect(lab.received.slice(OK.length)).toStartWith("HTTP/1.1 400 ");
    expect(lab.node.received).toBe(GET_AT_NODE);
    expect(lab.clientState).toBe("finished");
  });

  test("passes 100 and the body that waits for it", () => {
    const lab = new Lab().send(post("12345", "Expect: 100-continue\r\n").slice(0, -5));
    expect(lab.node.received).toContain("Expect: 100-continue");
    lab.answer("HTTP/1.1 100 Continue\r\n\r\n");
    expect(lab.received).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    lab.send("12345").answer(OK);
    expect(lab.node.received.endsWith("\r\n\r\n12345")).toBe(true);
    expect(lab.received).toBe(`HTTP/1.1 100 Continue\r\n\r\n${OK}`);
  });

  test("passes several informational answers and the final one in one chunk", () => {
    const early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
    const lab = new Lab().send(GET).answer(`HTTP/1.1 102 Processing\r\n\r\n${early}${OK}`);
    expect(lab.received).toBe(`HTTP/1.1 102 Processing\r\n\r\n${early}${OK}`);
  });

  test("keeps an informational head that came in pieces apart from the next one", () => {
    const lab = new Lab().send(GET).answer("HTTP/1.1 103 Early").answer(" Hints\r\nA: b\r\n\r\nHTTP/1.1 2");
    lab.answer("00 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(lab.received).toBe(`HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n${OK}`);
  });

  test("passes an early answer and goes on sending the body", () => {
    const lab = new Lab().send(post("12345").slice(0, -3)).answer(OK);
    expect(lab.received).toBe(OK);
    expect(lab.clientState).toBe("open");
    lab.send("345");
    expect(lab.node.received.endsWith("12345")).toBe(true);
    lab.send(GET).answer(OK);
    expect(lab.received).toBe(OK + OK);
    expect(lab.nodes.length).toBe(1);
  });

  test("closes after an early answer whose node will not read on", () => {
    const lab = new Lab().send(post("12345").slice(0, -3));
    lab.answer("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    expect(lab.received).toBe("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    expect(lab.clientState).toBe("finished");
  });

  test("joins after 101 and hands over what was read ahead", () => {
    const lab = new Lab().send(
      `GET /ws HTTP/1.1\r\nHost: ${HOST}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nframe`,
    );
    expect(lab.node.received).toBe(
      `GET /ws HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: websocket\r\n${added(HOST)}Connection: Upgrade\r\n\r\n`,
    );
    lab.answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello");
    expect(lab.joins).toEqual([
      {
        toNode: "frame",
        toClient: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello",
      },
    ]);
  });

  test("goes on with HTTP when the node declines to upgrade", () => {
    const upgrade = `GET /ws HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const lab = new Lab().send(upgrade + GET).answer(OK);
    expect(lab.received).toBe(OK);
    expect(lab.node.received.endsWith(GET_AT_NODE)).toBe(true);
  });

  test("refuses an upgrade nobody asked for", () => {
    const lab = new Lab().send(GET).answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    expect(lab.received).toStartWith("HTTP/1.1 502 ");
  });

  test("dials once more when a kept-alive connection turns out dead", () => {
    const lab = new Lab().send(GET).answer(OK).send(GET).answerEnd("node reset");
    expect(lab.nodes.map(({ received }) => received)).toEqual([GET_AT_NODE + GET_AT_NODE, GET_AT_NODE]);
    lab.answer(OK);
    expect(lab.received).toBe(OK + OK);
  });

  test("dials no third time, nor after a byte of the answer", () => {
    const twice = new Lab().send(GET).answer(OK).send(GET).answerEnd().answerEnd();
    expect(twice.received.slice(OK.length)).toStartWith("HTTP/1.1 502 ");
    const spoken = new Lab().send(GET).answer(OK).send(GET).answer("H").answerEnd();
    expect(spoken.received.slice(OK.length)).toStartWith("HTTP/1.1 502 ");
    const fresh = new Lab().send(GET).answerEnd();
    expect(fresh.received).toStartWith("HTTP/1.1 502 ");
    expect(fresh.nodes.length).toBe(1);
  });

  describe("D3: a request that may not be sent twice, on a connection that may have been dead before", () => {
    const bodiless = (method: string): string => `${method} /p HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
    const requests = [post("x"), post("12345").slice(0, -3), bodiless("POST"), bodiless("PUT"), bodiless("DELETE")];

    test.each(requests)("ends without an answer, so that the client may ask again: %j", (request) => {
      for (const end of ["node closed", "node reset"] as const) {
        const lab = new Lab().send(GET).answer(OK).send(request).answerEnd(end);
        expect(lab.received).toBe(OK);
        expect(lab.clientState).toBe("finished");
        expect(lab.nodes.length).toBe(1);
        expect(lab.ends.map(({ end: word, status }) => [word, status])).toEqual([
          ["done", 200],
          [end, 0],
        ]);
      }
    });

    test.each(requests)("gets 502 on a fresh connection, or after a byte: %j", (request) => {
      expect(new Lab().send(request).answerEnd().received).toStartWith("HTTP/1.1 502 ");
      const elsewhere = new Lab().send(GET).answer(OK).send(request.replace(HOST, OTHER)).answerEnd();
      expect(elsewhere.received.slice(OK.length)).toStartWith("HTTP/1.1 502 ");
      const spoken = new Lab().send(GET).answer(OK).send(request).answer("H").answerEnd();
      expect(spoken.received.slice(OK.length)).toStartWith("HTTP/1.1 502 ");
    });
  });

  test.each(["204 No Content", "304 Not Modified"])(
    "D1: takes no further request to a node that announced a body for %s",
    (status) => {
      for (const field of [
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
      ]) {
        const lab = new Lab().send(GET).answer(`HTTP/1.1 ${status}\r\n${field}\r\n\r\n`).send(GET).answer(OK);
        expect(lab.received).toBe(`HTTP/1.1 ${status}\r\n\r\n${OK}`);
        expect(lab.nodes.map(({ state }) => state)).toEqual(["finished", "open"]);
      }
      const lab = new Lab().send(GET).answer(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`).send(GET).answer(OK);
      expect(lab.nodes.length).toBe(1);
    },
  );

  test("D1: takes no further request to a node that announced a body for 100", () => {
    const lab = new Lab()
      .send(GET)
      .answer(`HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n${OK}`)
      .send(GET)
      .answer(OK);
    expect(lab.received).toBe(`HTTP/1.1 100 Continue\r\n\r\n${OK}${OK}`);
    expect(lab.nodes.length).toBe(2);
  });

  test("D2: gives a client of HTTP/1.0 large chunks as the runtime moves them", () => {
    const lab = new Lab().send(`GET / HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`);
    const chunk = "x".repeat(0x20000);
    lab.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n").answer(chunk).answer("\r\n0\r\n\r\n");
    expect(lab.passes).toEqual(["down 131072"]);
    expect(lab.received).toBe(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${chunk}`);
    expect(lab.clientState).toBe("finished");
  });

  test("drops a connection on which the node speaks unasked", () => {
    const lab = new Lab().send(GET).answer(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`).send(GET);
    expect(lab.nodes.length).toBe(2);
    lab.answer(OK).answer("HTTP/1.1 408 Request Timeout\r\n\r\n").send(GET).answer(OK);
    expect(lab.received).toBe(OK + OK + OK);
    expect(lab.nodes.length).toBe(3);
  });

  test("ends a close-delimited answer with the node's FIN", () => {
    const lab = new Lab().send(GET).answer("HTTP/1.1 200 OK\r\n\r\nbody").answerEnd();
    expect(lab.received).toBe("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody");
    expect(lab.clientState).toBe("finished");
    expect(lab.ends[0]?.end).toBe("done");
  });

  test("does not let a reset pass for the end of a close-delimited answer", () => {
    const lab = new Lab().send(GET).answer("HTTP/1.1 200 OK\r\n\r\nbody").answerEnd("node reset");
    expect(lab.clientState).toBe("destroyed");
    expect(lab.ends[0]?.end).toBe("node reset");
  });

  test("closes when an answer stops before its end", () => {
    const lab = new Lab().send(GET).answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody").answerEnd();
    expect(lab.received).toEndWith("body");
    expect(lab.clientState).toBe("finished");
    expect(lab.ends[0]?.end).toBe("node closed");
  });

  test("answers a client that finished after its request", () => {
    const lab = new Lab().send(GET).sendEnd().answer(OK);
    expect(lab.received).toBe(OK);
    expect(lab.clientState).toBe("finished");
  });

  test("answers all that was asked before the FIN", () => {
    const lab = new Lab().send(GET + GET).sendEnd();
    lab.answer(OK).answer(OK);
    expect(lab.received).toBe(OK + OK);
    expect(lab.clientState).toBe("finished");
  });

  test("ends the node's connection when the client stops in the middle of a body", () => {
    for (const autoOpen of [true, false]) {
      const lab = new Lab({ autoOpen }).send(post("12345").slice(0, -1)).sendEnd();
      if (!autoOpen) lab.open();
      expect(lab.node.state).toBe("destroyed");
      expect(lab.clientState).toBe("finished");
      expect(lab.ends[0]?.end).toBe("client closed");
    }
  });

  test("gives up dialing when the client is gone", () => {
    const lab = new Lab({ autoOpen: false }).send(GET);
    lab.session.clientLeft("client reset");
    expect(lab.node.state).toBe("destroyed");
    expect(lab.ends[0]?.end).toBe("client reset");
  });

  test("holds what comes while a node is dialed, and stops reading", () => {
    const lab = new Lab({ autoOpen: false }).send(post("12345").slice(0, -2)).send("45").send(GET);
    expect(lab.clientReading).toBe(false);
    lab.open();
    expect(lab.node.received.endsWith("12345")).toBe(true);
    lab.answer(OK).answer(OK);
    expect(lab.received).toBe(OK + OK);
  });

  test("answers 408 when a head does not arrive in time, and says nothing to who never spoke", () => {
    const slow = new Lab().send("GET / HT").wait(9_999);
    expect(slow.clientState).toBe("open");
    slow.wait(1);
    expect(slow.received).toStartWith("HTTP/1.1 408 ");
    const silent = new Lab().wait(10_000);
    expect(silent.received).toBe("");
    expect(silent.clientState).toBe("finished");
  });

  test("does not grant more time for more bytes of a head", () => {
    const lab = new Lab();
    for (const char of "GET / HTTP/1.1\r\n") lab.send(char).wait(900);
    expect(lab.received).toStartWith("HTTP/1.1 408 ");
  });

  test("closes an idle kept-alive connection without a word", () => {
    const lab = new Lab().send(GET).answer(OK).wait(59_999);
    expect(lab.clientState).toBe("open");
    lab.wait(1);
    expect(lab.received).toBe(OK);
    expect(lab.clientState).toBe("finished");
    expect(lab.node.state).toBe("finished");
  });

  test("gives the next head its own time", () => {
    const lab = new Lab().send(GET).answer(OK).wait(50_000).send("G").wait(9_999);
    expect(lab.clientState).toBe("open");
    lab.wait(1);
    expect(lab.received.slice(OK.length)).toStartWith("HTTP/1.1 408 ");
  });

  test("ends a request on which nothing moves: 504 without an answer, 408 without the body, a cut in the middle", () => {
    expect(new Lab().send(GET).wait(IDLE_MS).received).toStartWith("HTTP/1.1 504 ");
    expect(new Lab().send(post("12345").slice(0, -1)).wait(IDLE_MS).received).toStartWith("HTTP/1.1 408 ");
    const lab = new Lab()
      .send(GET)
      .answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nb")
      .wait(IDLE_MS - 1);
    expect(lab.answer("o").wait(IDLE_MS - 1).clientState).toBe("open");
    lab.wait(1);
    expect(lab.clientState).toBe("finished");
    expect(lab.ends[0]?.end).toBe("idle");
  });

  describe("A3: a client that owes bytes of a body", () => {
    const BODY_MS = SETTINGS.timeouts.httpBody;

    test("has http-body for each of them", () => {
      const lab = new Lab().send(post("12345").slice(0, -3)).wait(BODY_MS - 1);
      lab.send("3").wait(BODY_MS - 1);
      expect(lab.clientState).toBe("open");
      lab.wait(1);
      expect(lab.received).toStartWith("HTTP/1.1 408 ");
      expect(lab.node.state).toBe("destroyed");
      expect(lab.ends.map(({ end }) => end)).toEqual(["body timeout"]);
    });

    test("is not given more time by what the node says", () => {
      const lab = new Lab().send(post("12345").slice(0, -3)).answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1");
      lab
        .wait(BODY_MS - 1)
        .answer("2")
        .wait(1);
      expect(lab.clientState).toBe("finished");
      expect(lab.ends.map(({ end }) => end)).toEqual(["body timeout"]);
    });

    test("is waited for from 100 on, where it waits for that", () => {
      const lab = new Lab().send(post("12345", "Expect: 100-continue\r\n").slice(0, -5)).wait(BODY_MS - 1);
      lab.answer("HTTP/1.1 100 Continue\r\n\r\n").wait(BODY_MS - 1);
      expect(lab.clientState).toBe("open");
      expect(lab.wait(1).received).toContain("HTTP/1.1 408 ");
    });

    test("is told so in chunks and in bodies that the runtime moves, too", () => {
      const chunked = `POST /p HTTP/1.1\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123`;
      expect(new Lab().send(chunked).wait(BODY_MS).received).toStartWith("HTTP/1.1 408 ");
      const moved = new Lab().send(post("x".repeat(100_000)).slice(0, -90_000)).wait(BODY_MS - 1);
      expect(moved.passes).toEqual(["up 90000"]);
      moved.send("x").wait(BODY_MS - 1);
      expect(moved.clientState).toBe("open");
      expect(moved.wait(1).received).toStartWith("HTTP/1.1 408 ");
    });

    test("is not blamed for a node that takes nothing, nor for one that takes its time to answer", () => {
      const held = new Lab().send(post("x".repeat(100_000)).slice(0, -90_000));
      held.nodeFull = true;
      held.wait(IDLE_MS - 1);
      expect(held.clientState).toBe("open");
      expect(held.wait(1).received).toStartWith("HTTP/1.1 504 ");
      const asked = new Lab().send(post("12345")).wait(IDLE_MS - 1);
      expect(asked.clientState).toBe("open");
    });
  });

  test("waits for ever where nothing limits it", () => {
    const lab = new Lab({ route: () => forward(false, false, 0) }).send(GET).wait(1e9);
    expect(lab.answer(OK).received).toBe(OK);
  });

  test("leaves large bodies of known length to the runtime", () => {
    const size = 200_000;
    const body = "x".repeat(size);
    const lab = new Lab().send(post(body).slice(0, -150_000));
    expect(lab.passes).toEqual(["up 150000"]);
    lab.send("x".repeat(150_000) + GET);
    lab.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${body.slice(0, 50_000)}`);
    expect(lab.passes).toEqual(["up 150000", "down 150000"]);
    lab.answer(body.slice(50_000)).answer(OK);
    expect(lab.received).toBe(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${body}${OK}`);
    expect(lab.node.received.endsWith(GET_AT_NODE)).toBe(true);
    expect(lab.ends.map(({ up, down }) => [up > size, down > size])).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  test("leaves large chunks to the runtime, and reads what is between them", () => {
    const lab = new Lab().send(GET);
    const chunk = "x".repeat(0x20000);
    lab
      .answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n")
      .answer(chunk)
      .answer("\r\n3\r\nabc\r\n");
    lab.answer(`20000\r\n${chunk}\r\n0\r\n\r\n`);
    expect(lab.passes).toEqual(["down 131072"]);
    expect(lab.received).toEndWith(`20000\r\n${chunk}\r\n3\r\nabc\r\n20000\r\n${chunk}\r\n0\r\n\r\n`);
    expect(lab.ends[0]?.end).toBe("done");
  });

  test("stops reading from the side that is ahead", () => {
    const lab = new Lab().send(GET);
    lab.clientFull = true;
    lab.answer("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    expect(lab.nodeReading).toBe(false);
    lab.answer("def");
    expect(lab.received).toEndWith("abc");
    lab.drainClient();
    expect(lab.received).toEndWith("abcdef");
    expect(lab.nodeReading).toBe(true);
  });

  test("does not begin the next request while the client takes nothing", () => {
    const lab = new Lab().send(GET);
    lab.clientFull = true;
    lab.send(GET).answer(OK);
    expect(lab.node.received).toBe(GET_AT_NODE);
    lab.drainClient();
    expect(lab.node.received).toBe(GET_AT_NODE + GET_AT_NODE);
  });

  test("ends idle connections when it drains, and the others after their answer", () => {
    const idle = new Lab().send(GET).answer(OK);
    idle.session.drain();
    expect(idle.clientState).toBe("finished");
    const busy = new Lab().send(GET);
    busy.session.drain();
    expect(busy.clientState).toBe("open");
    busy.answer(OK);
    expect(busy.received).toBe("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    expect(busy.clientState).toBe("finished");
  });

  test("tells a client whose node was taken away", () => {
    const waiting = new Lab().send(GET);
    waiting.session.cut("cut: node down");
    expect(waiting.received).toStartWith("HTTP/1.1 503 ");
    expect(waiting.received).toContain("Retry-After:");
    const idle = new Lab().send(GET).answer(OK);
    idle.session.cut("cut: node down");
    expect(idle.clientState).toBe("open");
    idle.send(GET).answer(OK);
    expect(idle.received).toBe(OK + OK);
    expect(idle.nodes.length).toBe(2);
    const half = new Lab().send(GET).answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nb");
    half.session.cut("cut: removed");
    expect(half.clientState).toBe("finished");
    expect(half.ends[0]?.end).toBe("cut: removed");
  });

  test("answers HEAD with a head alone, its own errors included", () => {
    const lab = new Lab().send(`HEAD / HTTP/1.1\r\nHost: nobody.lab\r\n\r\n`);
    expect(lab.received).toStartWith("HTTP/1.1 404 ");
    expect(lab.received.endsWith("\r\n\r\n")).toBe(true);
  });

  test("reports one end per request", () => {
    const lab = new Lab()
      .send(GET + GET)
      .answer(OK)
      .answer(OK)
      .send("nonsense\r\n");
    expect(lab.ends.map(({ end }) => end)).toEqual(["done", "done", "bad request"]);
  });
});
