export { createInvoiceApp, type InvoiceApp, type InvoiceAppOptions } from "./app.js";
export type { RetryOptions } from "./calls.js";
export { CallError, type FieldViolation } from "./errors.js";
export {
  compareDecimals,
  currencyExponent,
  decimalToMinor,
  formatDecimal,
  formatMinor,
  minorToDecimal,
  parseDecimal,
} from "./money.js";
export { Session, type RefreshTokenStore, type SessionState } from "./session.js";
export type { Access } from "./tabs.js";
export type { InvoiceChange, WatchOptions } from "./watch.js";
export * as auth from "./gen/invoiceapp/auth/v1/auth_service_pb.js";
export * as invoice from "./gen/invoiceapp/invoice/v1/invoice_pb.js";
export * as user from "./gen/invoiceapp/auth/v1/user_pb.js";
