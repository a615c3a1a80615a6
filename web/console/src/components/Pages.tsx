import { useLocation, useNavigate } from "react-router";
import { Button } from "./Button.js";
import { Icon } from "./Icon.js";

interface PagesProps {
  /** Of the page that is shown; blank on the first. */
  pageToken: string;
  /** Blank on the last page, and while it is not known. */
  nextPageToken: string;
  /** The address of the page of a token. */
  to: (pageToken: string) => string;
}

/** Pages follow each other by tokens, so the way back is the browser's history. */
export function Pages({ pageToken, nextPageToken, to }: PagesProps) {
  const navigate = useNavigate();
  const depth = (useLocation().state as { depth?: number } | null)?.depth ?? 0;
  if (pageToken === "" && nextPageToken === "") {
    return null;
  }
  return (
    <nav className="row spread pages" aria-label="Pages">
      <Button
        icon="back"
        disabled={pageToken === ""}
        onClick={() => void (depth > 0 ? navigate(-1) : navigate(to(""), { replace: true }))}
      >
        {depth > 0 || pageToken === "" ? "Previous" : "First page"}
      </Button>
      <Button
        disabled={nextPageToken === ""}
        onClick={() => void navigate(to(nextPageToken), { state: { depth: depth + 1 } })}
      >
        Next
        <Icon name="forward" />
      </Button>
    </nav>
  );
}
