import { formatMinor, type invoice as pb } from "@invoice-app/client";
import { useState } from "react";
import { rememberInvoice } from "../../api/cache.js";
import { product } from "../../app/product.js";
import { Amount } from "../../components/Amount.js";
import { Button } from "../../components/Button.js";
import { useToast } from "../../components/Toasts.js";
import { formatDay } from "../../text/days.js";
import { ReasonDialog } from "./ReasonDialog.js";

export function Payments({ invoice }: { invoice: pb.Invoice }) {
  const [reversing, setReversing] = useState<pb.Payment>();
  const toast = useToast();
  if (invoice.payments.length === 0) {
    return null;
  }
  return (
    <section className="card stack" aria-labelledby="payments-title">
      <h2 id="payments-title">Payments</h2>
      <ul className="payments">
        {invoice.payments.map((payment) => (
          <li key={payment.id} className={payment.reversed ? "reversed" : undefined}>
            <div>
              <Amount minor={payment.amountMinor} currency={invoice.currencyCode} />
              <span className="under">
                {[formatDay(payment.paidOn), payment.method, payment.reference].filter(Boolean).join(" · ")}
              </span>
            </div>
            {payment.reversed ? (
              <span className="badge plain">Reversed</span>
            ) : (
              <Button small kind="quiet" icon="undo" onClick={() => setReversing(payment)}>
                Reverse
              </Button>
            )}
          </li>
        ))}
      </ul>
      {reversing !== undefined && (
        <ReasonDialog
          title={`Reverse the payment of ${formatMinor(reversing.amountMinor, invoice.currencyCode)}?`}
          text="It stays in the list, but counts no longer: the money is asked for again."
          verb="Reverse payment"
          required
          onClose={() => setReversing(undefined)}
          act={async (reason, requestId, signal) => {
            const { id: invoiceId, etag } = invoice;
            const request = { invoiceId, paymentId: reversing.id, reason, etag, requestId };
            rememberInvoice(await product.invoices.reversePayment(request, { signal }));
            toast("Payment reversed.");
          }}
        />
      )}
    </section>
  );
}
