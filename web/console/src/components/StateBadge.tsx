import type { invoice as pb } from "@invoice-app/client";
import { stateName } from "../text/states.js";

export function StateBadge({ invoice }: { invoice: pb.Invoice }) {
  const { name, tone } = stateName(invoice);
  return <span className={`badge ${tone}`}>{name}</span>;
}
