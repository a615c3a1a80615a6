import { formatMinor } from "@invoice-app/client";

/** An amount that the server has given. */
export function Amount({ minor, currency }: { minor: bigint | undefined; currency: string }) {
  return <span className="figure">{minor === undefined || currency === "" ? "–" : formatMinor(minor, currency)}</span>;
}
