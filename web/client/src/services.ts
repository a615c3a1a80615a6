// The services of the contract with their requests and responses, for `createClient` and for connect-query.

export * from "./gen/invoiceapp/auth/v1/auth_service_pb.js";
export * from "./gen/invoiceapp/invoice/v1/customer_service_pb.js";
export * from "./gen/invoiceapp/invoice/v1/invoice_service_pb.js";
export * from "./gen/invoiceapp/invoice/v1/profile_service_pb.js";
