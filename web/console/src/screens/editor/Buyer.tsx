import { PartyFields } from "../../forms/PartyFields.js";
import type { DraftForm } from "./draft.js";

/** Who is asked for the money. */
export function Buyer({ form, change }: { form: DraftForm; change: (part: Partial<DraftForm>) => void }) {
  return (
    <section className="card stack" aria-labelledby="buyer-title">
      <h2 id="buyer-title">Customer</h2>
      <PartyFields path="invoice.buyer" party={form.buyer} onChange={(buyer) => change({ buyer })} />
    </section>
  );
}
