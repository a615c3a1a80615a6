import { Button } from "../../components/Button.js";
import { Icon } from "../../components/Icon.js";
import { Spinner } from "../../components/Spinner.js";
import { TotalsList } from "./TotalsPanel.js";
import type { Draft } from "./useDraft.js";
import type { Preview } from "./usePreview.js";

/** What the draft comes to, and what to do with it. */
export function Side({ draft, preview, onIssue }: { draft: Draft; preview: Preview; onIssue: () => void }) {
  const busy = draft.saving !== "no";
  return (
    <aside className="card stack editor-side" aria-label="Totals">
      <TotalsList invoice={preview.invoice} isOld={preview.isOld} />
      <SaveState draft={draft} />
      <Button type="submit" wide busy={busy}>
        Save draft
      </Button>
      <Button kind="primary" icon="send" wide disabled={busy} onClick={onIssue}>
        Issue…
      </Button>
    </aside>
  );
}

function SaveState({ draft }: { draft: Draft }) {
  return (
    <p className="save-state" role="status">
      {draft.saving === "waiting" ? (
        <>
          <Spinner />
          Waiting for the server. Go on typing.
        </>
      ) : draft.saving === "busy" ? (
        <>
          <Spinner />
          Saving…
        </>
      ) : draft.isDirty ? (
        "Not saved yet"
      ) : draft.stored === undefined ? (
        ""
      ) : (
        <>
          <Icon name="check" />
          Saved
        </>
      )}
    </p>
  );
}
