import { useState } from "react";
import { Link } from "react-router";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { TextField } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { useFormErrors } from "../../forms/useFormErrors.js";
import { patiently } from "./patiently.js";
import { Welcome } from "./Welcome.js";

const BLANK = { displayName: "", organizationName: "", email: "", password: "" };

export function RegisterScreen() {
  const [account, setAccount] = useState(BLANK);
  const [busy, setBusy] = useState(false);
  const errors = useFormErrors();
  const set = (part: Partial<typeof BLANK>) => setAccount({ ...account, ...part });
  const register = async () => {
    setBusy(true);
    try {
      await patiently(() => product.session.register(account));
    } catch (failure) {
      errors.show(failure);
      setBusy(false);
    }
  };
  return (
    <Welcome title="Create an account">
      <section className="card stack">
        <h1>Create your account</h1>
        <Form errors={errors} onSubmit={() => void register()}>
          <TextField
            label="Your name"
            name="display_name"
            autoComplete="name"
            autoFocus
            value={account.displayName}
            onValue={(displayName) => set({ displayName })}
          />
          <TextField
            label="Company"
            name="organization_name"
            optional
            autoComplete="organization"
            value={account.organizationName}
            onValue={(organizationName) => set({ organizationName })}
          />
          <TextField
            label="E-mail address"
            name="email"
            type="email"
            autoComplete="username"
            value={account.email}
            onValue={(email) => set({ email })}
          />
          <TextField
            label="Password"
            name="password"
            type="password"
            autoComplete="new-password"
            hint="At least 12 characters. A few unrelated words make a good one."
            value={account.password}
            onValue={(password) => set({ password })}
          />
          <Button type="submit" kind="primary" wide busy={busy}>
            Create account
          </Button>
        </Form>
      </section>
      <p className="soft">
        Registered already? <Link to="/sign-in">Sign in</Link>
      </p>
    </Welcome>
  );
}
