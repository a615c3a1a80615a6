// A page whose client is @connectrpc/connect-web, over its gRPC-Web transport.

import { fromJson, toJson, type JsonObject, type JsonValue, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type CallOptions } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { byCookie, find, gateway, metadata, type Failure } from "./calls.js";

type UnaryCall = (request: Message, options: CallOptions) => Promise<Message>;

const transport = createGrpcWebTransport({
  baseUrl: gateway(),
  fetch: (input, init) => fetch(input, { ...init, credentials: byCookie() ? "include" : "same-origin" }),
});

window.call = async (path, request, token) => {
  const { service, method } = find(path);
  const client = createClient(service, transport) as unknown as Record<string, UnaryCall>;
  const unary = client[method.localName] as UnaryCall;
  try {
    const response = await unary(fromJson(method.input, request as JsonValue), { headers: metadata(token) });
    return { response: toJson(method.output, response) as JsonObject };
  } catch (error) {
    return { failure: describe(ConnectError.from(error)) };
  }
};

function describe(error: ConnectError): Failure {
  const [info] = error.findDetails(ErrorInfoSchema);
  const violations = error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
  return {
    // Connect writes `InvalidArgument` for what gRPC calls `INVALID_ARGUMENT`.
    code: (Code[error.code] ?? "").replace(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase(),
    message: error.rawMessage,
    requestId: error.metadata.get("x-request-id") ?? "",
    reason: info?.reason ?? "",
    domain: info?.domain ?? "",
    violations: violations.map(({ field, reason }) => ({ field, reason })),
  };
}
