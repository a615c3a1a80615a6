import { useEffect } from "react";
import { useBlocker, type Blocker } from "react-router";

/**
 * Holds back whoever would leave a screen with something unsaved. `allow` is asked for each address, so that a screen's own
 * way on is not held back. Leaving the page itself is the browser's to ask.
 */
export function useLeaveGuard(isDirty: boolean, allow: (pathname: string) => boolean): Blocker {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    if (isDirty) {
      window.addEventListener("beforeunload", ask);
    }
    return () => window.removeEventListener("beforeunload", ask);
  }, [isDirty]);
  return useBlocker(
    ({ currentLocation, nextLocation }) =>
      isDirty && currentLocation.pathname !== nextLocation.pathname && !allow(nextLocation.pathname),
  );
}
