import { useRouteError } from "react-router";
import { Empty } from "../components/Empty.js";

/** A screen that could not be shown at all. */
export function Failed() {
  const error = useRouteError();
  const message = error instanceof Error ? error.message : "";
  return (
    <Empty icon="alert" title="This screen could not be shown" heading="h1">
      <p>{message}</p>
      <button type="button" className="button primary" onClick={() => window.location.reload()}>
        Load it again
      </button>
    </Empty>
  );
}
