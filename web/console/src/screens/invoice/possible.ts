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
    credit: isInvoice && is(OPEN, PAID, UNCOLLECTIBLE) && lines.some(({ creditableMinor }) => creditableMinor !== 0n),
  };
}
