// A page whose client is the grpc-web runtime, in the format that ?format= names: `binary` or `text`.

import { fromBinary, fromJson, toBinary, toJson, type JsonObject, type JsonValue, type Message } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { GrpcWebClientBase, MethodDescriptor, MethodType, RpcError, StatusCode } from "grpc-web";
import { byCookie, find, gateway, metadata, parameter, readDetails, type Failure } from "./calls.js";

const client = new GrpcWebClientBase({ format: parameter("format") ?? "text", withCredentials: byCookie() });

// grpc-web only hands the classes of its own code generator on; our messages have none.
const NoClass = Object as unknown as new () => Message;

window.call = async (path, request, token) => {
  const { method } = find(path);
  const descriptor = new MethodDescriptor<Message, Message>(
    `/${path}`,
    MethodType.UNARY,
    NoClass,
    NoClass,
    (message: Message) => toBinary(method.input, message),
    (bytes: Uint8Array) => fromBinary(method.output, bytes),
  );
  try {
    const response = await client.unaryCall(
      `${gateway()}/${path}`,
      fromJson(method.input, request as JsonValue),
      metadata(token),
      descriptor,
    );
    return { response: toJson(method.output, response) as JsonObject };
  } catch (error) {
    return { failure: describe(error as RpcError) };
  }
};

function describe(error: RpcError): Failure {
  const details = error.metadata["grpc-status-details-bin"];
  return {
    code: Object.entries(StatusCode).find(([, code]) => code === error.code)?.[0] ?? "",
    message: error.message,
    requestId: error.metadata["x-request-id"] ?? "",
    ...readDetails(details === undefined ? new Uint8Array() : base64Decode(details)),
  };
}
