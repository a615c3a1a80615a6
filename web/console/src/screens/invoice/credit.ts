// What the credit note dialog asks for, as the request of CreateCreditNote.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { invoice as pb } from "@invoice-app/client";
import type { CreateCreditNoteRequest_LineSchema } from "@invoice-app/client/services";
import { Reader } from "../../forms/decimals.js";

export interface CreditRow {
  readonly line: pb.Line;
  readonly unit: "amount" | "quantity";
  /** Blank: nothing of this line. */
  readonly value: string;
}

/** Lines of which something is left to be credited. */
export function creditRows({ lines }: pb.Invoice): CreditRow[] {
  return lines
    .filter(({ creditableMinor }) => creditableMinor !== 0n)
    .map((line) => ({ line, unit: "amount", value: "" }));
}

/** The input of a row. */
export const rowName = (at: number) => `row[${at}]`;

/** The lines that were filled in, and where the server's paths are on the screen. */
export function readCredit(rows: readonly CreditRow[], currencyCode: string, locale?: string) {
  const reader = new Reader(locale);
  const lines: MessageInitShape<typeof CreateCreditNoteRequest_LineSchema>[] = [];
  const names: Record<string, string> = {};
  rows.forEach(({ line, unit, value }, at) => {
    if (value.trim() === "") {
      return;
    }
    for (const field of ["", ".line_id", ".quantity", ".amount_minor"]) {
      names[`lines[${lines.length}]${field}`] = rowName(at);
    }
    lines.push({
      lineId: line.id,
      extent:
        unit === "quantity"
          ? { case: "quantity", value: reader.decimal(value, rowName(at)) }
          : { case: "amountMinor", value: reader.minor(value, currencyCode, rowName(at)) ?? 0n },
    });
  });
  return { lines, names, violations: reader.violations };
}
