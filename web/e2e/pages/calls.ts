// What every page offers to the tests: one function that makes a unary call with the page's client.
// Messages cross between test and page as protobuf JSON, in which 64-bit amounts are strings.

import { fromBinary, type JsonObject } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { AuthService } from "../gen/invoiceapp/auth/v1/auth_service_pb.js";
import { InvoiceService } from "../gen/invoiceapp/invoice/v1/invoice_service_pb.js";

/** A field that the server refuses. */
export interface Violation {
  field: string;
  reason: string;
}

/** A failed call, as the page's client reports it. */
export interface Failure {
  /** The gRPC status code's name, `INVALID_ARGUMENT`. */
  code: string;
  message: string;
  /** From the response header `x-request-id`, or blank. */
  requestId: string;
  /** From google.rpc.ErrorInfo in the status details, or blank. */
  reason: string;
  domain: string;
  /** From google.rpc.BadRequest in the status details. */
  violations: Violation[];
}

/** How a call ended. */
export type Outcome = { response: JsonObject } | { failure: Failure };

/** Calls `package.Service/Method`, with a bearer token if one is given. */
export type Call = (method: string, request: object, token?: string) => Promise<Outcome>;

declare global {
  interface Window {
    call: Call;
  }
}

const services = [AuthService, InvoiceService];

/** The service and the method that a path such as `package.Service/Method` names. */
export function find(path: string) {
  const [typeName, name] = path.split("/");
  const service = services.find((candidate) => candidate.typeName === typeName);
  const method = service?.methods.find((candidate) => candidate.name === name);
  if (service === undefined || method === undefined) {
    throw new Error(`no such method: ${path}`);
  }
  return { service, method };
}

/** The gateway's address, which the test puts into the page's query string. */
export function gateway(): string {
  const address = parameter("gateway");
  if (address === null) {
    throw new Error("the page was opened without ?gateway=");
  }
  return address;
}

/** Whether the page's client asks for its tokens in cookies, and sends them. */
export function byCookie(): boolean {
  return parameter("delivery") === "cookie";
}

/** The metadata of a call: a bearer token if one is given, and how the tokens shall come. */
export function metadata(token?: string): Record<string, string> {
  return {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(byCookie() && { "x-token-delivery": "cookie" }),
  };
}

/** A parameter of the page's query string. */
export function parameter(name: string): string | null {
  return new URLSearchParams(location.search).get(name);
}

/** Reads google.rpc.ErrorInfo and BadRequest from the bytes of `grpc-status-details-bin`. */
export function readDetails(status: Uint8Array): Pick<Failure, "reason" | "domain" | "violations"> {
  const read: Pick<Failure, "reason" | "domain" | "violations"> = { reason: "", domain: "", violations: [] };
  for (const detail of fromBinary(StatusSchema, status).details) {
    const info = anyUnpack(detail, ErrorInfoSchema);
    if (info !== undefined) {
      read.reason = info.reason;
      read.domain = info.domain;
    }
    for (const { field, reason } of anyUnpack(detail, BadRequestSchema)?.fieldViolations ?? []) {
      read.violations.push({ field, reason });
    }
  }
  return read;
}
