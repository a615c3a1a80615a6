// Lets people with a session through. Everybody else signs in right here, at the address where they are, so that they
// find themselves again where they were.

import { Outlet, useLocation } from "react-router";
import { Spinner } from "../components/Spinner.js";
import { RegisterScreen } from "../screens/welcome/RegisterScreen.js";
import { SignInScreen } from "../screens/welcome/SignInScreen.js";
import { useServerAway } from "./connection.js";
import { useRestoredSession } from "./session.js";

export function Gate() {
  const session = useRestoredSession();
  const { pathname } = useLocation();
  switch (session.status) {
    case "unknown":
      return <Arriving />;
    case "signed-in":
      // Another session: another person, perhaps. Every screen begins anew.
      return <Outlet key={session.sessionId} />;
    case "signed-out":
      return pathname === "/register" ? <RegisterScreen /> : <SignInScreen endedBecause={session.reason} />;
  }
}

function Arriving() {
  const away = useServerAway();
  return (
    <main className="welcome">
      <div className="row soft" role="status">
        <Spinner />
        {away ? "The server cannot be reached. Trying again…" : "Opening your invoices…"}
      </div>
    </main>
  );
}
