// A draft as the editor has it: text as it was typed. It is JSON, so that it can be kept while one signs in again.

import { invoice as pb } from "@invoice-app/client";
import { decimalToTyped, minorToTyped } from "../../forms/decimals.js";
import { BLANK_PARTY, isBlankParty, partyToForm, type PartyForm } from "../../forms/party.js";

export interface AdjustmentForm {
  key: string;
  kind: "allowance" | "charge";
  unit: "percent" | "amount";
  value: string;
  reason: string;
  /** Not shown, but kept. */
  taxCategory: pb.TaxCategory;
  taxRate: string;
}

export interface LineForm {
  key: string;
  /** Blank on a line that the server has not seen. */
  id: string;
  description: string;
  detail: string;
  quantity: string;
  unitCode: string;
  unitPrice: string;
  taxCategory: pb.TaxCategory;
  taxRate: string;
  exemptionReason: string;
  adjustments: AdjustmentForm[];
  /** Not shown, but kept. */
  priceBaseQuantity: string;
  extraTaxes: { taxCategory: pb.TaxCategory; taxRate: string }[];
}

export interface DraftForm {
  currencyCode: string;
  issueDate: string;
  dueDate: string;
  paymentTermsDays: string;
  supplyDate: string;
  pricesIncludeTax: boolean;
  customerId: string;
  seller: PartyForm;
  buyer: PartyForm;
  lines: LineForm[];
  adjustments: AdjustmentForm[];
  buyerReference: string;
  purchaseOrder: string;
  note: string;
}

const key = () => crypto.randomUUID();

export function blankLine(previous?: LineForm): LineForm {
  return {
    ...{ key: key(), id: "", description: "", detail: "", quantity: "1", unitPrice: "", exemptionReason: "" },
    // Lines of one invoice mostly have one tax and one unit.
    unitCode: previous?.unitCode ?? "C62",
    taxCategory: previous?.taxCategory ?? pb.TaxCategory.STANDARD,
    taxRate: previous?.taxRate ?? "",
    ...{ adjustments: [], priceBaseQuantity: "", extraTaxes: [] },
  };
}

export function blankAdjustment(): AdjustmentForm {
  const tax = { taxCategory: pb.TaxCategory.UNSPECIFIED, taxRate: "" };
  return { key: key(), kind: "allowance", unit: "percent", value: "", reason: "", ...tax };
}

/** What the company's profile says of new drafts. */
export interface Defaults {
  readonly currencyCode: string;
  readonly paymentTermsDays?: number | undefined;
  readonly note: string;
}

/** A new draft; as most people would begin it where the profile says nothing. */
export function blankDraft({ currencyCode, paymentTermsDays = 14, note }: Defaults = NO_DEFAULTS): DraftForm {
  return {
    currencyCode: currencyCode || "EUR",
    ...{ issueDate: "", dueDate: "", supplyDate: "", pricesIncludeTax: false, customerId: "" },
    paymentTermsDays: String(paymentTermsDays),
    ...{ seller: BLANK_PARTY, buyer: BLANK_PARTY, lines: [blankLine()], adjustments: [] },
    ...{ buyerReference: "", purchaseOrder: "", note },
  };
}

const NO_DEFAULTS: Defaults = { currencyCode: "", note: "" };

/** The server's draft as text to edit. Inverse of `readDraft`. */
export function draftToForm(invoice: pb.Invoice, locale?: string): DraftForm {
  const { currencyCode, issueDate, dueDate, supplyDate, pricesIncludeTax, customerId } = invoice;
  const { buyerReference, purchaseOrder, note } = invoice;
  const adjustment = (from: pb.Adjustment) => adjustmentToForm(from, currencyCode, locale);
  return {
    ...{ currencyCode, issueDate, dueDate, supplyDate, pricesIncludeTax, customerId },
    paymentTermsDays: invoice.paymentTermsDays === undefined ? "" : String(invoice.paymentTermsDays),
    seller: partyToForm(invoice.seller),
    buyer: partyToForm(invoice.buyer),
    lines: invoice.lines.map((line) => lineToForm(line, adjustment, locale)),
    adjustments: invoice.adjustments.map(adjustment),
    ...{ buyerReference, purchaseOrder, note },
  };
}

function lineToForm(line: pb.Line, adjustment: (from: pb.Adjustment) => AdjustmentForm, locale?: string): LineForm {
  const { id, description, detail, unitCode, taxCategory, exemptionReason, priceBaseQuantity } = line;
  return {
    ...{ key: id || key(), id, description, detail, taxCategory, exemptionReason, priceBaseQuantity },
    unitCode: unitCode || "C62",
    quantity: decimalToTyped(line.quantity, locale),
    unitPrice: decimalToTyped(line.unitPrice, locale),
    taxRate: decimalToTyped(line.taxRate, locale),
    adjustments: line.adjustments.map(adjustment),
    extraTaxes: line.extraTaxes.map(({ taxCategory, taxRate }) => ({ taxCategory, taxRate })),
  };
}

function adjustmentToForm(from: pb.Adjustment, currencyCode: string, locale?: string): AdjustmentForm {
  const { value, reason, taxCategory, taxRate } = from;
  const isAmount = value.case === "amountMinor";
  return {
    ...{ key: key(), reason, taxCategory, taxRate },
    kind: from.kind === pb.Adjustment_Kind.CHARGE ? "charge" : "allowance",
    unit: isAmount ? "amount" : "percent",
    value: isAmount ? minorToTyped(value.value, currencyCode, locale) : decimalToTyped(value.value ?? "", locale),
  };
}

/** A draft that names a customer and no buyer has been given the customer's party. */
export function withBuyer(form: DraftForm, saved: pb.Invoice): DraftForm {
  const isGiven = form.customerId !== "" && isBlankParty(form.buyer);
  return isGiven ? { ...form, buyer: partyToForm(saved.buyer) } : form;
}

/** Whether two drafts say the same; the keys of their rows do not matter. */
export function sameDraft(one: DraftForm, other: DraftForm): boolean {
  const content = (draft: DraftForm) => JSON.stringify(draft, (name, value: unknown) => (name === "key" ? "" : value));
  return content(one) === content(other);
}
