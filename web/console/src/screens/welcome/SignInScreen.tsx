import { useState } from "react";
import { Link } from "react-router";
import { product } from "../../app/product.js";
import { Button } from "../../components/Button.js";
import { TextField } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { useFormErrors } from "../../forms/useFormErrors.js";
import { patiently } from "./patiently.js";
import { Welcome } from "./Welcome.js";

/** Signs in at the address where the person is. `endedBecause`: why the session ended by itself, blank if it did not. */
export function SignInScreen({ endedBecause }: { endedBecause: string }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const errors = useFormErrors();
  const signIn = async () => {
    setBusy(true);
    try {
      await patiently(() => product.session.login(email, password));
    } catch (failure) {
      errors.show(failure);
      setBusy(false);
    }
  };
  return (
    <Welcome title="Sign in">
      {endedBecause !== "" && (
        <div className="notice warn" role="status">
          <p>Your session was ended. Sign in to go on where you were.</p>
        </div>
      )}
      <section className="card stack">
        <h1>Sign in</h1>
        <Form errors={errors} onSubmit={() => void signIn()}>
          <TextField
            label="E-mail address"
            name="email"
            type="email"
            autoComplete="username"
            autoFocus
            value={email}
            onValue={setEmail}
          />
          <TextField
            label="Password"
            name="password"
            type="password"
            autoComplete="current-password"
            value={password}
            onValue={setPassword}
          />
          <Button type="submit" kind="primary" wide busy={busy}>
            Sign in
          </Button>
        </Form>
      </section>
      <p className="soft">
        New here? <Link to="/register">Create an account</Link>
      </p>
    </Welcome>
  );
}
