// The frame of every screen: where one can go, and whether the server is there.

import { useRef } from "react";
import { useQuery } from "@connectrpc/connect-query";
import { AuthService } from "@invoice-app/client/services";
import { NavLink, Outlet, ScrollRestoration, useNavigation } from "react-router";
import { Icon, type IconName } from "../components/Icon.js";
import { Spinner } from "../components/Spinner.js";
import iconUrl from "../design/icon.svg";
import { useServerAway } from "./connection.js";
import { signOut } from "./session.js";
import { ThemeButton } from "./ThemeButton.js";
import { useLive } from "./useLive.js";

const PLACES: readonly { to: string; name: string; icon: IconName }[] = [
  { to: "/invoices", name: "Invoices", icon: "invoice" },
  { to: "/customers", name: "Customers", icon: "people" },
  { to: "/company", name: "Company", icon: "company" },
  { to: "/account", name: "Account", icon: "person" },
];

export function Shell() {
  useLive();
  const main = useRef<HTMLElement>(null);
  const { data: me } = useQuery(AuthService.method.getMe);
  const isOpening = useNavigation().state === "loading";
  return (
    <div className="shell">
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <header className="side">
        <NavLink className="brand" to="/invoices">
          <img src={iconUrl} alt="" />
          <span>{me?.organization?.name ?? "invoice-app"}</span>
        </NavLink>
        <nav aria-label="Main">
          <ul>
            {PLACES.map(({ to, name, icon }) => (
              <li key={to}>
                <NavLink to={to}>
                  <Icon name={icon} />
                  {name}
                </NavLink>
              </li>
            ))}
          </ul>
        </nav>
        <div className="side-foot">
          <ThemeButton />
          <button type="button" className="button quiet" onClick={() => void signOut()}>
            <Icon name="leave" />
            Sign out
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1} aria-busy={isOpening}>
        <ConnectionLost />
        <div className="page">
          <Outlet />
        </div>
      </main>
      <ScrollRestoration />
    </div>
  );
}

function ConnectionLost() {
  const away = useServerAway();
  return (
    <div role="status">
      {away && (
        <div className="connection">
          <Spinner />
          The server cannot be reached. Trying again; nothing you typed is lost.
        </div>
      )}
    </div>
  );
}
