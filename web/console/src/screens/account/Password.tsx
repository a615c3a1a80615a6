import { CallError } from "@invoice-app/client";
import { useState } from "react";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { useToast } from "../../components/Toasts.js";
import { TextField } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { useFormErrors } from "../../forms/useFormErrors.js";
import { patiently } from "../welcome/patiently.js";
import { refreshSecurity } from "./refreshSecurity.js";

export function Password({ email }: { email: string }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [busy, setBusy] = useState(false);
  const errors = useFormErrors();
  const toast = useToast();
  const change = async () => {
    setBusy(true);
    try {
      await patiently(() => product.session.changePassword(current, next));
      setCurrent("");
      setNext("");
      errors.clear();
      toast("Password changed. Every other session has ended.");
    } catch (failure) {
      if (CallError.from(failure).reason === "CREDENTIALS_INVALID") {
        const description = "This is not your password.";
        errors.showViolations([{ field: "current_password", reason: "", description }]);
      } else {
        errors.show(failure);
      }
    }
    refreshSecurity();
    setBusy(false);
  };
  return (
    <section className="card stack" aria-labelledby="password-title">
      <h2 id="password-title">Password</h2>
      <Form errors={errors} onSubmit={() => void change()}>
        {/* For password managers, which would not know whose password it is. */}
        <input type="hidden" autoComplete="username" value={email} readOnly />
        <TextField
          label="Current password"
          name="current_password"
          type="password"
          autoComplete="current-password"
          value={current}
          onValue={setCurrent}
        />
        <TextField
          label="New password"
          name="new_password"
          type="password"
          autoComplete="new-password"
          hint="At least 12 characters. Every other session ends."
          value={next}
          onValue={setNext}
        />
        <div>
          <Button type="submit" busy={busy}>
            Change password
          </Button>
        </div>
      </Form>
    </section>
  );
}
