import type { FieldViolation, invoice as pb } from "@invoice-app/client";
import { InvoiceService } from "@invoice-app/client/services";
import { useEffect, useRef, useState } from "react";
import { useLocation, useNavigate, type Location } from "react-router";
import { askAgain } from "../../api/cache.js";
import { useLeaveGuard } from "../../app/useLeaveGuard.js";
import { Button } from "../../components/Button.js";
import { PageHead } from "../../components/PageHead.js";
import { useToast } from "../../components/Toasts.js";
import { Form } from "../../forms/Form.js";
import { PartyFields } from "../../forms/PartyFields.js";
import { isBlankParty } from "../../forms/party.js";
import { useFormErrors, type FormErrors } from "../../forms/useFormErrors.js";
import { renamed } from "../../forms/violations.js";
import { IssueDialog } from "../invoice/IssueDialog.js";
import { Adjustments } from "./Adjustments.js";
import { Buyer } from "./Buyer.js";
import { Folded, Remarks, Terms } from "./Details.js";
import { blankAdjustment } from "./draft.js";
import { LeaveDialog } from "../../components/LeaveDialog.js";
import { Lines } from "./Lines.js";
import { readDraft } from "./readDraft.js";
import { Side } from "./Side.js";
import { isConflict, useDraft, type DraftSource } from "./useDraft.js";
import { usePreview } from "./usePreview.js";

/** IssueInvoice has a day of its own beside that of the draft. */
const ISSUE_NAMES = { issue_date: "invoice.issue_date" };

export function Editor(source: DraftSource) {
  const draft = useDraft(source);
  const { form, change, stored } = draft;
  const preview = usePreview(form);
  const errors = useFormErrors();
  const { showLive } = errors;
  useEffect(() => showLive(preview.violations), [showLive, preview.violations]);
  useHandedViolations(errors);
  const [issuing, setIssuing] = useState<pb.Invoice>();
  const toast = useToast();
  const navigate = useNavigate();
  // The way from a new draft to its address, and whoever has decided to leave, are not held back.
  const leaving = useRef(false);
  const guard = useLeaveGuard(draft.isDirty, (pathname) => leaving.current || pathname.endsWith("/edit"));
  const leave = (to: Location) => {
    leaving.current = true;
    draft.forget();
    void navigate(to);
  };

  const save = async (over = false): Promise<pb.Invoice | undefined> => {
    const { violations } = readDraft(form);
    if (violations.length > 0) {
      errors.showViolations(violations);
      return undefined;
    }
    try {
      errors.clear();
      return await draft.save({ over });
    } catch (failure) {
      if (isConflict(failure) && stored !== undefined) {
        askAgain(InvoiceService.method.getInvoice);
      } else {
        errors.show(failure);
      }
      return undefined;
    }
  };
  const saveOnly = async (over = false) => {
    if ((await save(over)) !== undefined) {
      toast("Draft saved.");
    }
  };
  const issue = async () => setIssuing(draft.isDirty || stored === undefined ? await save() : stored);

  return (
    <>
      <PageHead
        title={stored === undefined ? "New invoice" : "Edit draft"}
        back={stored === undefined ? { to: "/invoices", name: "Invoices" } : { to: `/invoices/${stored.id}`, name: "Draft" }}
      />
      <Form errors={errors} className="editor" label="Invoice" onSubmit={() => void saveOnly()}>
        <div className="stack">
          {draft.isRecovered && draft.isDirty && <Recovered discard={draft.discard} />}
          {draft.theirs !== undefined && (
            <Conflict takeTheirs={draft.discard} keepMine={() => void saveOnly(true)} />
          )}
          <Buyer form={form} change={change} />
          <Lines form={form} preview={preview.invoice} onChange={(lines) => change({ lines })} />
          <section className="card stack" aria-labelledby="adjustments-title">
            <h2 id="adjustments-title">Discounts and charges</h2>
            <Adjustments
              path="invoice"
              rows={form.adjustments}
              currencyCode={form.currencyCode}
              onChange={(adjustments) => change({ adjustments })}
            />
            <div>
              <Button icon="plus" onClick={() => change({ adjustments: [...form.adjustments, blankAdjustment()] })}>
                Add discount or charge
              </Button>
            </div>
          </section>
          <Terms form={form} change={change} />
          <Remarks form={form} change={change} />
          <Folded
            title="Your details"
            text={isBlankParty(form.seller) ? "As your company profile says." : form.seller.name}
            open={false}
          >
            <PartyFields path="invoice.seller" party={form.seller} onChange={(seller) => change({ seller })} />
          </Folded>
        </div>
        <Side draft={draft} preview={preview} onIssue={() => void issue()} />
      </Form>
      {issuing !== undefined && (
        <IssueDialog
          invoice={issuing}
          onClose={() => setIssuing(undefined)}
          onIssued={({ id, number }) => {
            draft.forget();
            toast(`Issued as ${number}.`);
            void navigate(`/invoices/${id}`, { replace: true });
          }}
          onRefused={(failure) => {
            setIssuing(undefined);
            errors.show(failure, ISSUE_NAMES);
          }}
        />
      )}
      <LeaveDialog blocker={guard} save={save} leave={leave} busy={draft.saving !== "no"} />
    </>
  );
}

/** What kept the draft from being issued elsewhere. */
function useHandedViolations({ showViolations }: FormErrors): void {
  const { violations } = (useLocation().state as { violations?: FieldViolation[] } | null) ?? {};
  useEffect(() => {
    if (violations !== undefined) {
      showViolations(renamed(violations, ISSUE_NAMES));
    }
  }, [violations, showViolations]);
}

function Recovered({ discard }: { discard: () => void }) {
  return (
    <div className="notice" role="status">
      <p>What you had typed is still here. It is not saved yet.</p>
      <Button small onClick={discard}>
        Discard it
      </Button>
    </div>
  );
}

function Conflict({ takeTheirs, keepMine }: { takeTheirs: () => void; keepMine: () => void }) {
  return (
    <div className="notice warn" role="alert">
      <p>This draft was changed elsewhere while you were writing.</p>
      <div className="row">
        <Button small onClick={takeTheirs}>
          Take theirs
        </Button>
        <Button small onClick={keepMine}>
          Save mine over it
        </Button>
      </div>
    </div>
  );
}
