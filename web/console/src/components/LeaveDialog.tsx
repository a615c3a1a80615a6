import { useRef } from "react";
import type { Blocker, Location } from "react-router";
import { Button } from "./Button.js";
import { Dialog } from "./Dialog.js";

interface LeaveDialogProps {
  blocker: Blocker;
  /** undefined when it could not be saved. */
  save: () => Promise<unknown>;
  leave: (to: Location) => void;
  busy: boolean;
}

/** Asks whoever would leave with something unsaved. */
export function LeaveDialog({ blocker, save, leave, busy }: LeaveDialogProps) {
  const now = useRef(blocker);
  now.current = blocker;
  // A draft that is saved for the first time changes the address, which ends what was held back.
  const stay = () => now.current.state === "blocked" && now.current.reset();
  const saveAndLeave = async (to: Location) => {
    if ((await save()) === undefined) {
      stay();
    } else {
      leave(to);
    }
  };
  if (blocker.state !== "blocked") {
    return null;
  }
  const { location } = blocker;
  return (
    <Dialog
      open
      onClose={stay}
      title="Leave without saving?"
      text="What you typed since the last save would be lost."
    >
      <div className="dialog-actions">
        <Button kind="quiet" onClick={() => leave(location)}>
          Discard changes
        </Button>
        <Button onClick={stay}>Stay</Button>
        <Button kind="primary" busy={busy} onClick={() => void saveAndLeave(location)}>
          Save and leave
        </Button>
      </div>
    </Dialog>
  );
}
