// The server's reasons in the words of people who write invoices. What is not listed is said in the server's words.

import { CallError, type FieldViolation } from "@invoice-app/client";

const VIOLATIONS: Readonly<Record<string, string>> = {
  FIELD_REQUIRED: "Please fill this in.",
  DECIMAL_MALFORMED: "Please enter a number.",
  DATE_MALFORMED: "Please enter a date.",
  DATE_NO_SUCH_DAY: "There is no such day.",
  EMAIL_MALFORMED: "This is not an e-mail address.",
  CURRENCY_UNKNOWN: "No such currency.",
  COUNTRY_UNKNOWN: "No such country.",
  QUANTITY_ZERO: "The quantity cannot be 0.",
  TAX_RATE_ZERO: "A standard rate is above 0. Choose “Zero rate” for 0 %.",
  TAX_RATE_NOT_ZERO: "This kind of tax has the rate 0.",
  EXEMPTION_REASON_REQUIRED: "Say why no tax is due.",
  CUSTOMER_UNKNOWN: "There is no such customer. It may have been deleted.",
  NO_LINES: "An invoice needs at least one line.",
  DUE_DATE_BEFORE_ISSUE: "This is before the day of issue.",
  GROSS_NEGATIVE: "The total cannot be below 0.",
  PAYMENT_NOT_POSITIVE: "Please enter an amount above 0.",
  PAYMENT_EXCEEDS_REMAINING: "This is more than remains to be paid.",
  CREDIT_ZERO: "Please enter how much.",
  CREDIT_EXCEEDS_LEFT: "This is more than is left.",
  PASSWORD_TOO_SHORT: "At least 12 characters, please.",
  PASSWORD_TOO_LONG: "This password is too long.",
  PASSWORD_GUESSABLE: "This password is easy to guess. Try a few unrelated words.",
  PASSWORD_UNCHANGED: "This is the password so far.",
};

const FAILURES: Readonly<Record<string, string>> = {
  CREDENTIALS_INVALID: "E-mail address and password do not belong together.",
  EMAIL_TAKEN: "Somebody has registered with this address. Do you want to sign in?",
  SIGN_IN_THROTTLED: "Too many tries. Please wait a moment and try again.",
  ETAG_MISMATCH: "Somebody changed this in the meantime.",
  INVOICE_STATE: "The invoice’s state does not allow this any more.",
  INVOICE_NOT_FOUND: "There is no such invoice. It may have been deleted.",
  CUSTOMER_NOT_FOUND: "There is no such customer. It may have been deleted.",
  HISTORY_FULL: "This invoice has been changed too often. Duplicate it to go on.",
  PAYMENTS_FULL: "This invoice cannot have more payments.",
  PAYMENT_REVERSED: "This payment has been reversed already.",
  NOTHING_TO_CREDIT: "Nothing of this invoice is left to be credited.",
  CREDIT_NOTES_FULL: "This invoice cannot have more credit notes.",
  ROLE_INSUFFICIENT: "Only the organization’s owner may do this.",
  MESSAGE_TOO_LARGE: "This is too large to be sent.",
};

export function violationText({ reason, description }: FieldViolation): string {
  return VIOLATIONS[reason] ?? sentence(description);
}

/** What went wrong with a call, in one sentence. */
export function failureText(failure: unknown): string {
  const error = CallError.from(failure);
  if (error.isConnectionProblem) {
    return "The server cannot be reached. Please try again.";
  }
  const words = FAILURES[error.reason] ?? sentence(error.rawMessage);
  return error.reason === "INTERNAL" ? `Something went wrong at the server (${error.requestId}).` : words;
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const end = /[.!?]$/.test(trimmed) ? "" : ".";
  return trimmed === "" ? "This was refused." : trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + end;
}
