// What the states of an invoice are called.

import { invoice as pb } from "@invoice-app/client";

export type Tone = "plain" | "open" | "good" | "warn" | "bad";
export interface StateName {
  readonly name: string;
  readonly tone: Tone;
}

const STATES: Readonly<Record<pb.Invoice_State, StateName>> = {
  [pb.Invoice_State.UNSPECIFIED]: { name: "Unknown", tone: "plain" },
  [pb.Invoice_State.DRAFT]: { name: "Draft", tone: "plain" },
  [pb.Invoice_State.OPEN]: { name: "Open", tone: "open" },
  [pb.Invoice_State.PAID]: { name: "Paid", tone: "good" },
  [pb.Invoice_State.VOID]: { name: "Void", tone: "plain" },
  [pb.Invoice_State.UNCOLLECTIBLE]: { name: "Uncollectible", tone: "bad" },
};

/** What matters most about an invoice now: that it is overdue goes before that it is open. */
export function stateName({ state, overdue, paymentState, type }: pb.Invoice): StateName {
  if (overdue) {
    return { name: "Overdue", tone: "bad" };
  }
  if (type === pb.Invoice_Type.CREDIT_NOTE && state !== pb.Invoice_State.DRAFT) {
    return { name: "Credit note", tone: "plain" };
  }
  if (state === pb.Invoice_State.OPEN && paymentState === pb.Invoice_PaymentState.PARTIALLY_PAID) {
    return { name: "Partly paid", tone: "warn" };
  }
  return STATES[state];
}

/** `INV-2026-0001`, or what it is while it has no number. */
export function documentName({ number, type }: pb.Invoice): string {
  const kind = type === pb.Invoice_Type.CREDIT_NOTE ? "credit note" : "invoice";
  return number === "" ? `Draft ${kind}` : number;
}
