// Which actions an invoice's state allows. The server decides; this keeps people from asking in vain.

import { invoice as pb } from "@invoice-app/client";

export interface Possible {
  /** Edit, issue, delete. */
  readonly edit: boolean;
  readonly pay: boolean;
  readonly giveUp: boolean;
  readonly void: boolean;
  readonly credit: boolean;
}

export function possible({ state, type, totals, lines }: pb.Invoice): Possible {
  const is = (...states: pb.Invoice_State[]) => states.includes(state);
  const { DRAFT, OPEN, PAID, UNCOLLECTIBLE } = pb.Invoice_State;
  const isInvoice = type !== pb.Invoice_Type.CREDIT_NOTE;
  const isUntouched = totals?.paidMinor === 0n && totals.creditedMinor === 0n;
  return {
    edit: is(DRAFT),
    pay: isInvoice && is(OPEN, UNCOLLECTIBLE),
    giveUp: isInvoice && is(OPEN),
    void: isInvoice && is(OPEN, UNCOLLECTIBLE) && isUntouched,
    credit: isInvoice && is(OPEN, PAID, UNCOLLECTIBLE) && isLeftToCredit(totals, lines),
  };
}

/** Of the sums or of a line: charges that are taxed as no line is go with the last credit note, after every line. */
function isLeftToCredit(totals: pb.Totals | undefined, lines: readonly pb.Line[]): boolean {
  const { creditedMinor = 0n, grossMinor = 0n, roundingMinor = 0n } = totals ?? {};
  return creditedMinor < grossMinor + roundingMinor || lines.some(({ creditableMinor }) => creditableMinor !== 0n);
}
