import type { Blocker } from "react-router";
import { Button } from "../../components/Button.js";
import { Dialog } from "../../components/Dialog.js";

interface LeaveDialogProps {
  blocker: Blocker;
  /** undefined when it could not be saved. */
  save: () => Promise<unknown>;
  discard: () => void;
  busy: boolean;
}

/** Asks whoever would leave with something unsaved. */
export function LeaveDialog({ blocker, save, discard, busy }: LeaveDialogProps) {
  const stay = () => blocker.reset?.();
  const saveAndLeave = async () => {
    if ((await save()) === undefined) {
      stay();
    } else {
      blocker.proceed?.();
    }
  };
  return (
    <Dialog
      open={blocker.state === "blocked"}
      onClose={stay}
      title="Leave without saving?"
      text="What you typed since the last save would be lost."
    >
      <div className="dialog-actions">
        <Button
          kind="quiet"
          onClick={() => {
            discard();
            blocker.proceed?.();
          }}
        >
          Discard changes
        </Button>
        <Button onClick={stay}>Stay</Button>
        <Button kind="primary" busy={busy} onClick={() => void saveAndLeave()}>
          Save and leave
        </Button>
      </div>
    </Dialog>
  );
}
