import { invoice as pb } from "@invoice-app/client";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { forgetInvoice, rememberInvoice } from "../../api/cache.js";
import { useAction } from "../../api/useAction.js";
import { product } from "../../app/product.js";
import { ActionMenu, type MenuAction } from "../../components/ActionMenu.js";
import { Button } from "../../components/Button.js";
import { ConfirmDialog } from "../../components/ConfirmDialog.js";
import { Icon } from "../../components/Icon.js";
import { useToast } from "../../components/Toasts.js";
import { failureText } from "../../text/reasons.js";
import { CreditDialog } from "./CreditDialog.js";
import { IssueDialog } from "./IssueDialog.js";
import { PaymentDialog } from "./PaymentDialog.js";
import { ReasonDialog } from "./ReasonDialog.js";
import { possible } from "./possible.js";

type Asking = "issue" | "pay" | "credit" | "void" | "uncollectible" | "delete";

/** What can be done with an invoice in its state. */
export function Actions({ invoice }: { invoice: pb.Invoice }) {
  const { id: invoiceId, etag } = invoice;
  const can = possible(invoice);
  const [asking, setAsking] = useState<Asking>();
  const close = () => setAsking(undefined);
  const toast = useToast();
  const navigate = useNavigate();
  const duplication = useAction();
  const duplicate = async () => {
    try {
      const copy = await duplication.run((requestId) => product.invoices.duplicateInvoice({ invoiceId, requestId }));
      if (copy !== undefined) {
        rememberInvoice(copy);
        toast("Duplicated. This is the new draft.");
        await navigate(`/invoices/${copy.id}/edit`);
      }
    } catch (failure) {
      toast(failureText(failure));
    }
  };
  const menu: (MenuAction & { can: boolean })[] = [
    { name: "Duplicate", icon: "copy", can: true, act: () => void duplicate() },
    { name: "Print", icon: "print", can: true, act: () => window.print() },
    { name: "Credit note…", icon: "undo", can: can.credit, act: () => setAsking("credit") },
    { name: "Mark uncollectible…", icon: "alert", danger: true, can: can.giveUp, act: () => setAsking("uncollectible") },
    { name: "Void…", icon: "ban", danger: true, can: can.void, act: () => setAsking("void") },
    { name: "Delete draft…", icon: "trash", danger: true, can: can.edit, act: () => setAsking("delete") },
  ];
  return (
    <>
      {can.edit && (
        <>
          <Link className="button" to={`/invoices/${invoiceId}/edit`}>
            <Icon name="pencil" />
            Edit
          </Link>
          <Button kind="primary" icon="send" onClick={() => setAsking("issue")}>
            Issue…
          </Button>
        </>
      )}
      {can.pay && (
        <Button kind="primary" icon="money" onClick={() => setAsking("pay")}>
          Record payment
        </Button>
      )}
      <ActionMenu label="More actions" actions={menu.filter((action) => action.can)} />
      {asking === "issue" && (
        <IssueDialog
          invoice={invoice}
          onClose={close}
          onIssued={({ number }) => {
            close();
            toast(`Issued as ${number}.`);
          }}
          // The editor shows what is missing at its inputs.
          onRefused={({ fieldViolations }) =>
            void navigate(`/invoices/${invoiceId}/edit`, { state: { violations: fieldViolations } })
          }
        />
      )}
      {asking === "pay" && (
        <PaymentDialog
          invoice={invoice}
          onClose={close}
          onRecorded={(paid) => {
            close();
            toast(paid.state === pb.Invoice_State.PAID ? "Paid in full." : "Payment recorded.");
          }}
        />
      )}
      {asking === "credit" && (
        <CreditDialog
          invoice={invoice}
          onClose={close}
          onCredited={({ number }) => {
            close();
            toast(`Credited by ${number}.`);
          }}
        />
      )}
      {asking === "void" && (
        <ReasonDialog
          title={`Void ${invoice.number}?`}
          text="The invoice is withdrawn for good. Its number stays used."
          verb="Void invoice"
          onClose={close}
          act={async (reason, requestId, signal) => {
            const request = { invoiceId, etag, reason, requestId };
            rememberInvoice(await product.invoices.voidInvoice(request, { signal }));
            toast("Invoice voided.");
          }}
        />
      )}
      {asking === "uncollectible" && (
        <ReasonDialog
          title={`Give up on ${invoice.number}?`}
          text="Nobody is reminded of it any more. A payment can still be recorded should it come."
          verb="Mark uncollectible"
          required
          onClose={close}
          act={async (reason, requestId, signal) => {
            const request = { invoiceId, etag, reason, requestId };
            rememberInvoice(await product.invoices.markInvoiceUncollectible(request, { signal }));
            toast("Marked as uncollectible.");
          }}
        />
      )}
      <ConfirmDialog
        open={asking === "delete"}
        onClose={close}
        title="Delete this draft?"
        text="It is gone for good. A draft has no number yet, so none is lost."
        verb="Delete draft"
        danger
        act={async (_, signal) => {
          await product.invoices.deleteInvoice({ invoiceId, etag }, { signal });
          toast("Draft deleted.");
          await navigate("/invoices", { replace: true });
          forgetInvoice(invoiceId);
        }}
      />
    </>
  );
}
