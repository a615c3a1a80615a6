import { useEffect, type ReactNode } from "react";
import iconUrl from "../../design/icon.svg";

/** The frame of the screens for people who are not signed in. */
export function Welcome({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · invoice-app`;
  }, [title]);
  return (
    <main className="welcome">
      <div className="welcome-card">
        <span className="brand">
          <img src={iconUrl} alt="" />
          <span>invoice-app</span>
        </span>
        {children}
      </div>
    </main>
  );
}
