import { user as pb } from "@invoice-app/client";
import { AuthService, type GetMeResponse } from "@invoice-app/client/services";
import { useState } from "react";
import { askAgain } from "../../api/cache.js";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { useToast } from "../../components/Toasts.js";
import { TextField } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { useFormErrors } from "../../forms/useFormErrors.js";

/** What the person and the company are called. */
export function Names({ me }: { me: GetMeResponse }) {
  const [displayName, setDisplayName] = useState(me.user?.displayName ?? "");
  const [organizationName, setOrganizationName] = useState(me.organization?.name ?? "");
  const [busy, setBusy] = useState(false);
  const errors = useFormErrors();
  const toast = useToast();
  const isOwner = me.role === pb.Role.OWNER;
  const save = async () => {
    setBusy(true);
    try {
      // Only an owner may rename the company.
      const paths = ["display_name", ...(isOwner ? ["organization_name"] : [])];
      await product.account.updateMe({ displayName, organizationName, updateMask: { paths } });
      askAgain(AuthService.method.getMe);
      errors.clear();
      toast("Saved.");
    } catch (failure) {
      errors.show(failure);
    }
    setBusy(false);
  };
  return (
    <section className="card stack" aria-labelledby="names-title">
      <h2 id="names-title">You</h2>
      <p className="soft">Signed in as {me.user?.email}</p>
      <Form errors={errors} onSubmit={() => void save()}>
        <TextField
          label="Your name"
          name="display_name"
          autoComplete="name"
          value={displayName}
          onValue={setDisplayName}
        />
        <TextField
          label="Company"
          name="organization_name"
          autoComplete="organization"
          disabled={!isOwner}
          value={organizationName}
          onValue={setOrganizationName}
        />
        <div>
          <Button type="submit" kind="primary" busy={busy}>
            Save
          </Button>
        </div>
      </Form>
    </section>
  );
}
