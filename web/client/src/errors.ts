// What a failed call tells: code, stable reason, the fields that are wrong, and when to try again.

import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RequestInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

/** A field that the server refuses. */
export interface FieldViolation {
  /** Path in the request, positions from 0: `invoice.lines[1].quantity`. */
  readonly field: string;
  /** For developers, in English. */
  readonly description: string;
  /** Stable, for programs: `DECIMAL_MALFORMED`. */
  readonly reason: string;
}

/**
 * A failed call. Every call of this package fails with one, whatever the cause: an answer of the server, a network that
 * is down, a deadline.
 */
export class CallError extends ConnectError {
  /** Stable reason, `ErrorReason` of the contract without its prefix: `ETAG_MISMATCH`. Blank when no answer came. */
  readonly reason: string;
  /** What belongs to the reason: `allowed_actions` of `INVOICE_STATE`. */
  readonly info: Readonly<Record<string, string>>;
  /** All fields that are wrong, at once; empty when that was not the cause. */
  readonly fieldViolations: readonly FieldViolation[];
  /** When the server asks to be tried again, in milliseconds from the answer; undefined when it said nothing. */
  readonly retryDelay: number | undefined;
  /** Under this id the server has logged the call; quote it in a report. Blank when no answer came. */
  readonly requestId: string;

  // ConnectError takes everything of its shape for its own; what carries this is one of ours.
  readonly #ours = true;

  private constructor(error: ConnectError) {
    super(error.rawMessage, error.code, error.metadata, error.details as never, error.cause);
    this.stack = error.stack ?? this.stack ?? "";
    const [info] = error.findDetails(ErrorInfoSchema);
    const [retry] = error.findDetails(RetryInfoSchema);
    const [request] = error.findDetails(RequestInfoSchema);
    this.reason = info?.reason ?? "";
    this.info = { ...info?.metadata };
    this.fieldViolations = error
      .findDetails(BadRequestSchema)
      .flatMap((detail) => detail.fieldViolations)
      .map(({ field, description, reason }) => ({ field, description, reason }));
    const delay = retry?.retryDelay;
    this.retryDelay = delay && Number(delay.seconds) * 1000 + Math.ceil(delay.nanos / 1_000_000);
    this.requestId = request?.requestId || (error.metadata.get("x-request-id") ?? "");
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && #ours in value;
  }

  /** `error` as a CallError; one that is one already comes back as it is. */
  static override from(error: unknown): CallError {
    return error instanceof CallError ? error : new CallError(ConnectError.from(error));
  }

  /** The violations of one field and of what is below it: `lines[1]` finds `lines[1].quantity`. */
  violationsOf(field: string): readonly FieldViolation[] {
    return this.fieldViolations.filter(
      (violation) =>
        violation.field === field || violation.field.startsWith(`${field}.`) || violation.field.startsWith(`${field}[`),
    );
  }

  /** Whether nothing was heard of the server, or that it is not there: whether the call took effect is unknown. */
  get isConnectionProblem(): boolean {
    return this.code === Code.Unavailable || (this.reason === "" && this.cause instanceof TypeError);
  }
}

/** Makes every failure a {@link CallError}. Goes outermost. */
export const withCallErrors: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: readable(response.message) } : response;
  } catch (error) {
    throw CallError.from(error);
  }
};

async function* readable<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw CallError.from(error);
  }
}
