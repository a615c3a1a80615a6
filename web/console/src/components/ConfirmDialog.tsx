import { useState } from "react";
import { useAction } from "../api/useAction.js";
import { failureText } from "../text/reasons.js";
import { Button } from "./Button.js";
import { Dialog } from "./Dialog.js";

interface ConfirmDialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  text: string;
  /** What the button does: `Delete draft`. */
  verb: string;
  danger?: boolean;
  act: (requestId: string, signal: AbortSignal) => Promise<unknown>;
}

/** Asks before something that cannot be taken back. Stays open with the reason when it failed. */
export function ConfirmDialog({ open, onClose, title, text, verb, danger, act }: ConfirmDialogProps) {
  const action = useAction();
  const [failure, setFailure] = useState("");
  const close = () => {
    setFailure("");
    onClose();
  };
  const confirm = async () => {
    try {
      await action.run(act);
      close();
    } catch (error) {
      setFailure(failureText(error));
    }
  };
  return (
    <Dialog open={open} onClose={close} title={title} text={text}>
      {failure !== "" && (
        <div className="notice bad" role="alert">
          <p>{failure}</p>
        </div>
      )}
      <div className="dialog-actions">
        <Button onClick={close}>Cancel</Button>
        <Button kind={danger ? "danger" : "primary"} busy={action.busy} onClick={() => void confirm()}>
          {action.waiting ? "Waiting for the server…" : verb}
        </Button>
      </div>
    </Dialog>
  );
}
