import type { invoice as pb } from "@invoice-app/client";
import type { DraftForm } from "./draft.js";

/**
 * Gives lines the ids that the server gave them, although more may have been typed since they were sent: a line is known
 * by its key then. After a reload what was sent is not known any more; then lines are told apart by their place.
 */
export function lineIds(saved: pb.Invoice, sent: DraftForm | undefined): (form: DraftForm) => DraftForm {
  return (form) => {
    const known = (sent ?? form).lines.map(({ key }, at) => [key, saved.lines[at]?.id ?? ""] as const);
    const byKey = new Map(known);
    const taken = new Set(form.lines.map(({ id }) => id));
    const lines = form.lines.map((line) => {
      const id = byKey.get(line.key) ?? "";
      return line.id !== "" || taken.has(id) ? line : { ...line, id };
    });
    return { ...form, lines };
  };
}
