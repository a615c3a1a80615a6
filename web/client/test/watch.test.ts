import { Code, ConnectError, createClient, createRouterTransport, type HandlerContext } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { CallError, withCallErrors } from "../src/errors.js";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { InvoiceService, type WatchInvoicesRequest } from "../src/gen/invoiceapp/invoice/v1/invoice_service_pb.js";
import { watchInvoices, type InvoiceChange, type WatchOptions } from "../src/watch.js";

type Message = { resumeToken: string; event: { case: "deleted"; value: { invoiceId: string } } };
type Stream = (request: WatchInvoicesRequest, context: HandlerContext) => AsyncIterable<Message>;

const deleted = (id: string): Message => ({ resumeToken: id, event: { case: "deleted", value: { invoiceId: id } } });
const failure = (code: Code, reason: string) =>
  new ConnectError(reason, code, undefined, [{ desc: ErrorInfoSchema, value: { reason, domain: "invoiceapp" } }]);
const gone = { access: async () => ({ token: "t" }), replace: async () => Promise.reject(failure(Code.Unauthenticated, "")) };

/** Follows a server whose streams are these, one after the other, and gives what was told and asked. */
async function follow(streams: Stream[], until: number, options: WatchOptions = {}, session = gone as never) {
  const asked: WatchInvoicesRequest[] = [];
  const transport = createRouterTransport(
    ({ service }) =>
      service(InvoiceService, {
        watchInvoices: (request, context) => {
          asked.push(request);
          return (streams[asked.length - 1] ?? silent)(request, context);
        },
      }),
    { transport: { interceptors: [withCallErrors] } },
  );
  const told: InvoiceChange[] = [];
  const client = createClient(InvoiceService, transport);
  for await (const change of watchInvoices(client, session, { firstPause: 1, ...options })) {
    told.push(change);
    if (told.length === until) {
      break;
    }
  }
  return { told, asked };
}

/** Says nothing more, until it is given up. */
const silent: Stream = async function* (_, { signal }) {
  await new Promise((_, ended) => signal.addEventListener("abort", ended));
};

test("a stream that breaks is opened again and goes on where it was", async () => {
  const { told, asked } = await follow(
    [
      async function* () {
        yield deleted("inv_1");
        throw failure(Code.Unavailable, "SHUTTING_DOWN");
      },
      async function* () {
        yield deleted("inv_2");
      },
      async function* () {
        yield deleted("inv_3");
      },
    ],
    3,
  );
  expect(told.map((change) => "invoiceId" in change && change.invoiceId)).toEqual(["inv_1", "inv_2", "inv_3"]);
  expect(asked.map(({ resumeToken }) => resumeToken)).toEqual(["", "inv_1", "inv_2"]);
});

test("a server that has forgotten where one was is told so, and the stream begins anew", async () => {
  const { told, asked } = await follow(
    [
      async function* () {
        yield deleted("inv_1");
      },
      async function* () {
        throw failure(Code.FailedPrecondition, "RESUME_TOKEN_EXPIRED");
      },
      async function* () {
        yield deleted("inv_2");
      },
    ],
    3,
  );
  expect(told.map(({ kind }) => kind)).toEqual(["deleted", "reset", "deleted"]);
  expect(asked.map(({ resumeToken }) => resumeToken)).toEqual(["", "inv_1", ""]);
});

test("a stream without a sign of life is given up and opened again", async () => {
  const { asked } = await follow(
    [
      silent,
      async function* () {
        yield deleted("inv_1");
      },
    ],
    1,
    { silence: 20 },
  );
  expect(asked).toHaveLength(2);
});

test("an access token that was refused is replaced before the next try", async () => {
  let token = "old";
  const session = { access: async () => ({ token }), replace: async () => void (token = "new") };
  const { asked } = await follow(
    [
      async function* () {
        throw failure(Code.Unauthenticated, "TOKEN_EXPIRED");
      },
      async function* () {
        yield deleted("inv_1");
      },
    ],
    1,
    {},
    session as never,
  );
  expect(asked).toHaveLength(2);
  expect(token).toBe("new");
});

test("the end of the session ends it with an error, and so does what is wrong for good", async () => {
  const refused = (code: Code, reason: string) =>
    follow(
      [
        async function* () {
          throw failure(code, reason);
        },
      ],
      1,
    );
  await expect(refused(Code.Unauthenticated, "TOKEN_REVOKED")).rejects.toMatchObject({ code: Code.Unauthenticated });
  await expect(refused(Code.InvalidArgument, "FIELDS_INVALID")).rejects.toBeInstanceOf(CallError);
});

test("its signal ends it without an error", async () => {
  const end = new AbortController();
  setTimeout(() => end.abort(), 20);
  const { told } = await follow([silent], 1, { signal: end.signal });
  expect(told).toEqual([]);
});
