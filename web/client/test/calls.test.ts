import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { withRequestIds, withRetries, type RetryOptions } from "../src/calls.js";
import { CallError, withCallErrors } from "../src/errors.js";
import { BadRequestSchema, ErrorInfoSchema, RequestInfoSchema, RetryInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { InvoiceSchema } from "../src/gen/invoiceapp/invoice/v1/invoice_pb.js";
import { InvoiceService } from "../src/gen/invoiceapp/invoice/v1/invoice_service_pb.js";

const FAST: RetryOptions = { firstPause: 1, longestPause: 20 };

/** An invoice-service that fails as told, then answers, and remembers the request ids of creations. */
function service(failures: ConnectError[], retry: RetryOptions = FAST) {
  const requestIds: string[] = [];
  let calls = 0;
  const answer = () => {
    calls += 1;
    const failure = failures.shift();
    if (failure !== undefined) {
      throw failure;
    }
    return create(InvoiceSchema, { id: "inv_1" });
  };
  const transport = createRouterTransport(
    ({ service }) =>
      service(InvoiceService, {
        createInvoice: ({ requestId }) => {
          requestIds.push(requestId);
          return answer();
        },
        getInvoice: answer,
        deleteInvoice: () => {
          answer();
          return {};
        },
      }),
    { transport: { interceptors: [withCallErrors, withRequestIds, withRetries(retry)] } },
  );
  return { client: createClient(InvoiceService, transport), requestIds, calls: () => calls };
}

function unavailable(milliseconds?: number): ConnectError {
  const delay = milliseconds !== undefined && {
    desc: RetryInfoSchema,
    value: { retryDelay: { seconds: 0n, nanos: milliseconds * 1_000_000 } },
  };
  return new ConnectError("later", Code.Unavailable, undefined, delay ? [delay] : []);
}

async function failureOf(call: Promise<unknown>): Promise<CallError> {
  return call.then(
    () => expect.fail("the call succeeded"),
    (error: unknown) => {
      expect(error).toBeInstanceOf(CallError);
      return error as CallError;
    },
  );
}

describe("repetition", () => {
  test("a creation is repeated under one request id until it is answered", async () => {
    const { client, requestIds } = service([unavailable(), unavailable(3)]);
    await client.createInvoice({});
    expect(requestIds).toHaveLength(3);
    expect(new Set(requestIds).size).toBe(1);
    expect(requestIds[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("two creations from one object are two, and a request id of the caller stays", async () => {
    const { client, requestIds } = service([]);
    const request = { invoice: {} };
    await client.createInvoice(request);
    await client.createInvoice(request);
    await client.createInvoice({ ...request, requestId: "6f0d7a7e-0000-4000-8000-000000000001" });
    expect(new Set(requestIds).size).toBe(3);
    expect(requestIds[2]).toBe("6f0d7a7e-0000-4000-8000-000000000001");
    expect(request).toEqual({ invoice: {} });
  });

  test("a call that only reads is repeated; one that changes without a request id is not", async () => {
    const reading = service([unavailable()]);
    await reading.client.getInvoice({ invoiceId: "inv_1" });
    expect(reading.calls()).toBe(2);
    const changing = service([unavailable()]);
    await failureOf(changing.client.deleteInvoice({ invoiceId: "inv_1" }));
    expect(changing.calls()).toBe(1);
  });

  test("only what may pass by itself is repeated", async () => {
    for (const code of [Code.InvalidArgument, Code.NotFound, Code.Aborted, Code.Internal, Code.DeadlineExceeded]) {
      const { client, calls } = service([new ConnectError("no", code)]);
      expect((await failureOf(client.getInvoice({}))).code).toBe(code);
      expect(calls()).toBe(1);
    }
  });

  test("it ends after the attempts, and at once when the server asks for more patience than there is", async () => {
    const busy = service(Array.from({ length: 9 }, () => unavailable()));
    expect((await failureOf(busy.client.getInvoice({}))).code).toBe(Code.Unavailable);
    expect(busy.calls()).toBe(4);
    const down = service([unavailable(500)]);
    expect((await failureOf(down.client.getInvoice({}))).retryDelay).toBe(500);
    expect(down.calls()).toBe(1);
  });

  test("a caller that gives up during the pause is answered at once", async () => {
    const { client, calls } = service([unavailable(10_000)], { longestPause: 60_000 });
    const giveUp = new AbortController();
    const call = failureOf(client.getInvoice({}, { signal: giveUp.signal }));
    setTimeout(() => giveUp.abort(), 5);
    await call;
    expect(calls()).toBe(1);
  });
});

describe("errors", () => {
  test("an error carries its reason, every violation, the request id and what belongs to the reason", async () => {
    const details = [
      { desc: ErrorInfoSchema, value: { reason: "FIELDS_INVALID", domain: "invoiceapp", metadata: { a: "b" } } },
      {
        desc: BadRequestSchema,
        value: {
          fieldViolations: [
            { field: "invoice.lines[1].quantity", description: "is no decimal", reason: "DECIMAL_MALFORMED" },
            { field: "invoice.lines[10].quantity", description: "is no decimal", reason: "DECIMAL_MALFORMED" },
          ],
        },
      },
      { desc: RequestInfoSchema, value: { requestId: "r-1" } },
    ];
    const { client } = service([new ConnectError("2 fields", Code.InvalidArgument, undefined, details)]);
    const error = await failureOf(client.createInvoice({}));
    expect(error).toMatchObject({ code: Code.InvalidArgument, reason: "FIELDS_INVALID", info: { a: "b" }, requestId: "r-1" });
    expect(error.violationsOf("invoice.lines[1]")).toHaveLength(1);
    expect(error.violationsOf("invoice.lines")).toHaveLength(2);
    expect(error.violationsOf("invoice.line")).toHaveLength(0);
    expect(error.rawMessage).toBe("2 fields");
  });

  test("a network that is down is a connection problem without a reason", () => {
    const error = CallError.from(new TypeError("fetch failed"));
    expect(error).toMatchObject({ reason: "", isConnectionProblem: true });
    expect(CallError.from(error)).toBe(error);
    expect(CallError.from(new ConnectError("no", Code.NotFound)).isConnectionProblem).toBe(false);
  });
});
