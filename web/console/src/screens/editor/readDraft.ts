// What was typed as the message that the server gets, with everything that cannot be read, at its path.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { invoice as pb, type FieldViolation } from "@invoice-app/client";
import { Reader } from "../../forms/decimals.js";
import { partyToMessage } from "../../forms/party.js";
import type { AdjustmentForm, DraftForm, LineForm } from "./draft.js";

export type InvoiceInit = MessageInitShape<typeof pb.InvoiceSchema>;
type LineInit = MessageInitShape<typeof pb.LineSchema>;
type AdjustmentInit = MessageInitShape<typeof pb.AdjustmentSchema>;

/** Everything that the editor shows, as UpdateInvoice names it. What is not named keeps its value. */
export const EDITED_FIELDS = [
  ...["currency_code", "issue_date", "due_date", "payment_terms_days", "supply_date", "prices_include_tax"],
  ...["customer_id", "seller", "buyer", "lines", "adjustments", "buyer_reference", "purchase_order", "note"],
];

export function readDraft(
  form: DraftForm,
  locale?: string,
): { invoice: InvoiceInit; violations: readonly FieldViolation[] } {
  const reader = new Reader(locale);
  const { currencyCode, issueDate, dueDate, supplyDate, pricesIncludeTax, customerId } = form;
  const paymentTermsDays = reader.whole(form.paymentTermsDays, "invoice.payment_terms_days");
  const [seller, buyer] = [partyToMessage(form.seller), partyToMessage(form.buyer)];
  const adjustments = (rows: readonly AdjustmentForm[], path: string): AdjustmentInit[] =>
    rows.map((row, at) => readAdjustment(row, `${path}.adjustments[${at}]`, currencyCode, reader));
  const invoice: InvoiceInit = {
    ...{ currencyCode, issueDate, dueDate, supplyDate, pricesIncludeTax, customerId },
    ...(paymentTermsDays !== undefined && { paymentTermsDays }),
    ...(seller !== undefined && { seller }),
    ...(buyer !== undefined && { buyer }),
    lines: form.lines.map((line, at) => {
      const path = `invoice.lines[${at}]`;
      return readLine(line, path, reader, adjustments(line.adjustments, path));
    }),
    adjustments: adjustments(form.adjustments, "invoice"),
    buyerReference: form.buyerReference.trim(),
    purchaseOrder: form.purchaseOrder.trim(),
    note: form.note,
  };
  return { invoice, violations: reader.violations };
}

function readLine(line: LineForm, path: string, reader: Reader, adjustments: AdjustmentInit[]): LineInit {
  const { id, description, detail, unitCode, taxCategory, exemptionReason, priceBaseQuantity, extraTaxes } = line;
  const isTaxed = taxCategory === pb.TaxCategory.STANDARD;
  const needsReason = taxCategory > pb.TaxCategory.ZERO;
  return {
    ...{ id, description: description.trim(), detail, unitCode, taxCategory, priceBaseQuantity, extraTaxes },
    adjustments,
    quantity: reader.decimal(line.quantity, `${path}.quantity`),
    unitPrice: reader.decimal(line.unitPrice, `${path}.unit_price`),
    taxRate: isTaxed ? reader.decimal(line.taxRate, `${path}.tax_rate`) : "0",
    exemptionReason: needsReason ? exemptionReason.trim() : "",
  };
}

function readAdjustment(row: AdjustmentForm, path: string, currencyCode: string, reader: Reader): AdjustmentInit {
  const { reason, taxCategory, taxRate } = row;
  const kind = row.kind === "charge" ? pb.Adjustment_Kind.CHARGE : pb.Adjustment_Kind.ALLOWANCE;
  const amount = row.unit === "amount" ? reader.minor(row.value, currencyCode, `${path}.amount_minor`) : undefined;
  const percent = row.unit === "percent" ? reader.decimal(row.value, `${path}.percent`) : "";
  return {
    ...{ kind, reason: reason.trim(), taxCategory, taxRate },
    // A row that was just added has no value yet. That takes nothing away.
    value:
      row.unit === "amount"
        ? { case: "amountMinor", value: amount ?? 0n }
        : { case: "percent", value: percent || "0" },
  };
}
