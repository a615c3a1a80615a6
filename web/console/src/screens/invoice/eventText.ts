const ACTIONS: Readonly<Record<string, string>> = {
  CreateInvoice: "Written as a draft",
  DuplicateInvoice: "Duplicated from another invoice",
  UpdateInvoice: "Edited",
  IssueInvoice: "Issued",
  RecordPayment: "Payment recorded",
  ReversePayment: "Payment reversed",
  VoidInvoice: "Voided",
  MarkInvoiceUncollectible: "Marked uncollectible",
  CreateCreditNote: "Credited",
};

/** What an entry of the history is about, by the rpc that made it. */
export function eventText(action: string): string {
  return ACTIONS[action] ?? action.replace(/(?<=[a-z])(?=[A-Z])/g, " ");
}
