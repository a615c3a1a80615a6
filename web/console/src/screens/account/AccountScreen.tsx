import { useQuery } from "@connectrpc/connect-query";
import { AuthService } from "@invoice-app/client/services";
import { signOut } from "../../app/session.js";
import { ThemeButton } from "../../app/ThemeButton.js";
import { Button } from "../../components/Button.js";
import { Failure } from "../../components/Failure.js";
import { PageHead } from "../../components/PageHead.js";
import { PageSkeleton } from "../../components/PageSkeleton.js";
import { Names } from "./Names.js";
import { Password } from "./Password.js";
import { SecurityEvents } from "./SecurityEvents.js";
import { Sessions } from "./Sessions.js";
import "./account.css";

export function Component() {
  const { data: me, error, refetch } = useQuery(AuthService.method.getMe);
  if (me === undefined) {
    return error === null ? <PageSkeleton /> : <Failure error={error} again={() => void refetch()} />;
  }
  return (
    <>
      <PageHead title="Account">
        {/* On wide screens these are at the side. */}
        <span className="on-phone">
          <ThemeButton />
          <Button icon="leave" onClick={() => void signOut()}>
            Sign out
          </Button>
        </span>
      </PageHead>
      <div className="account">
        <div className="stack">
          <Names me={me} />
          <Password email={me.user?.email ?? ""} />
        </div>
        <div className="stack">
          <Sessions />
          <SecurityEvents />
        </div>
      </div>
    </>
  );
}
