import { CallError } from "@invoice-app/client";
import { ProfileService, type Profile } from "@invoice-app/client/services";
import { useEffect, useState } from "react";
import { useNavigate, type Location } from "react-router";
import { askAgain } from "../../api/cache.js";
import { profiles } from "../../api/services.js";
import { useAction } from "../../api/useAction.js";
import { useLeaveGuard } from "../../app/useLeaveGuard.js";
import { Button } from "../../components/Button.js";
import { LeaveDialog } from "../../components/LeaveDialog.js";
import { useToast } from "../../components/Toasts.js";
import { SelectField, TextArea, TextField } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { PartyFields } from "../../forms/PartyFields.js";
import { useFormErrors } from "../../forms/useFormErrors.js";
import { currencies } from "../../text/codes.js";
import { EDITED_FIELDS, profileToForm, readProfile, sameProfile, type ProfileForm } from "./profile.js";
import { SeriesRows } from "./SeriesRows.js";

/** What the company says once for all its invoices. */
export function ProfileEditor({ profile }: { profile: Profile }) {
  const [stored, setStored] = useState(profile);
  const [form, setForm] = useState(() => profileToForm(profile));
  const isDirty = !sameProfile(form, profileToForm(stored));
  const change = (part: Partial<ProfileForm>) => setForm((current) => ({ ...current, ...part }));
  const errors = useFormErrors();
  const action = useAction();
  const toast = useToast();
  const [left, setLeft] = useState<Location>();
  const guard = useLeaveGuard(isDirty && left === undefined, () => false);
  useLeaving(left);

  const save = async (): Promise<Profile | undefined> => {
    const { profile: typed, violations } = readProfile(form);
    if (violations.length > 0) {
      errors.showViolations(violations);
      return undefined;
    }
    try {
      const saved = await action.run((requestId, signal) =>
        profiles.updateProfile(
          { profile: { ...typed, etag: stored.etag }, updateMask: { paths: EDITED_FIELDS }, requestId },
          { signal },
        ),
      );
      if (saved !== undefined) {
        setStored(saved);
        setForm(profileToForm(saved));
        errors.clear();
        askAgain(ProfileService.method.getProfile);
        toast("Company saved.");
      }
      return saved;
    } catch (failure) {
      if (CallError.from(failure).reason === "ETAG_MISMATCH") {
        // Somebody else was faster: what is typed stays, and the next save is over theirs.
        setStored(await profiles.getProfile({}));
      }
      errors.show(failure);
      return undefined;
    }
  };

  return (
    <Form errors={errors} label="Company" onSubmit={() => void save()}>
      <section className="card stack" aria-labelledby="seller-title">
        <div>
          <h2 id="seller-title">On every invoice</h2>
          <p className="soft small">New drafts take it from here. Issued invoices keep what they said.</p>
        </div>
        <PartyFields path="profile.seller" party={form.seller} onChange={(seller) => change({ seller })} />
      </section>
      <section className="card stack" aria-labelledby="defaults-title">
        <h2 id="defaults-title">For new drafts</h2>
        <div className="form-grid">
          <SelectField
            label="Currency"
            name="profile.currency_code"
            value={form.currencyCode}
            onValue={(currencyCode) => change({ currencyCode })}
          >
            <option value="">None</option>
            {currencies.map(({ code, name }) => (
              <option key={code} value={code}>
                {code} – {name}
              </option>
            ))}
          </SelectField>
          <TextField
            label="Payment terms in days"
            name="profile.payment_terms_days"
            inputMode="numeric"
            optional
            value={form.paymentTermsDays}
            onValue={(paymentTermsDays) => change({ paymentTermsDays })}
          />
          <SelectField
            label="Time zone"
            name="profile.time_zone"
            value={form.timeZone}
            onValue={(timeZone) => change({ timeZone })}
          >
            {timeZones(form.timeZone).map((zone) => (
              <option key={zone} value={zone}>
                {zone.replaceAll("_", " ")}
              </option>
            ))}
          </SelectField>
        </div>
        <TextArea
          label="Text for the customer"
          name="profile.note"
          optional
          rows={2}
          value={form.note}
          onValue={(note) => change({ note })}
        />
      </section>
      <SeriesRows series={form.series} onChange={(series) => change({ series })} />
      <div className="row save-bar">
        <Button type="submit" kind="primary" busy={action.busy}>
          {action.waiting ? "Waiting for the server…" : "Save"}
        </Button>
        <span className="soft small" role="status">
          {isDirty ? "Not saved yet" : ""}
        </span>
      </div>
      <LeaveDialog blocker={guard} save={save} leave={setLeft} busy={action.busy} />
    </Form>
  );
}

/** Goes where the person decided to go, once the guard knows of it. */
function useLeaving(to: Location | undefined): void {
  const navigate = useNavigate();
  useEffect(() => {
    if (to !== undefined) {
      void navigate(to);
    }
  }, [to, navigate]);
}

function timeZones(current: string): readonly string[] {
  const known = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
  return known.includes(current) ? known : [current, ...known];
}
