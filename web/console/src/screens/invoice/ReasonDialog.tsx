import { useState } from "react";
import { useAction } from "../../api/useAction.js";
import { Button } from "../../components/Button.js";
import { Dialog } from "../../components/Dialog.js";
import { TextArea } from "../../forms/Field.js";
import { Form } from "../../forms/Form.js";
import { useFormErrors } from "../../forms/useFormErrors.js";

interface ReasonDialogProps {
  title: string;
  text: string;
  verb: string;
  required?: boolean;
  onClose: () => void;
  act: (reason: string, requestId: string, signal: AbortSignal) => Promise<void>;
}

/** Asks for a reason, which goes into the history, before something that cannot be taken back. */
export function ReasonDialog({ title, text, verb, required = false, onClose, act }: ReasonDialogProps) {
  const [reason, setReason] = useState("");
  const errors = useFormErrors();
  const action = useAction();
  const submit = async () => {
    try {
      await action.run((requestId, signal) => act(reason.trim(), requestId, signal));
      onClose();
    } catch (failure) {
      errors.show(failure);
    }
  };
  return (
    <Dialog open onClose={onClose} title={title} text={text}>
      <Form errors={errors} onSubmit={() => void submit()}>
        <TextArea label="Reason" name="reason" optional={!required} rows={2} value={reason} onValue={setReason} />
        <div className="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="danger" busy={action.busy}>
            {action.waiting ? "Waiting for the server…" : verb}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
