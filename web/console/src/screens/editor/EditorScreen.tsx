import { useQuery } from "@connectrpc/connect-query";
import { invoice as pb } from "@invoice-app/client";
import { AuthService, InvoiceService, ProfileService } from "@invoice-app/client/services";
import { useCallback } from "react";
import { Navigate, useLocation, useNavigate, useParams } from "react-router";
import { Failure } from "../../components/Failure.js";
import { PageSkeleton } from "../../components/PageSkeleton.js";
import { Editor } from "./Editor.js";
import "./editor.css";

/** Loads what the editor needs. A draft that is saved for the first time gets its own address without losing anything. */
export function Component() {
  const { invoiceId = "new" } = useParams();
  const navigate = useNavigate();
  const location = useLocation();
  const isNew = invoiceId === "new";
  const key = (location.state as { editor?: string } | null)?.editor ?? (isNew ? location.key : invoiceId);
  const created = useCallback(
    (id: string) => void navigate(`/invoices/${id}/edit`, { replace: true, state: { editor: key } }),
    [navigate, key],
  );
  const me = useQuery(AuthService.method.getMe);
  const draft = useQuery(InvoiceService.method.getInvoice, { invoiceId }, { enabled: !isNew });
  const profile = useQuery(ProfileService.method.getProfile);
  const failure = me.error ?? draft.error ?? profile.error;
  if (failure !== null) {
    return <Failure error={failure} again={() => void Promise.all([me, draft, profile].map((query) => query.refetch()))} />;
  }
  const userId = me.data?.user?.id;
  if (userId === undefined || profile.data === undefined || (!isNew && draft.data === undefined)) {
    return <PageSkeleton />;
  }
  if (draft.data !== undefined && draft.data.state !== pb.Invoice_State.DRAFT) {
    return <Navigate to={`/invoices/${invoiceId}`} replace />;
  }
  const latest = isNew ? undefined : draft.data;
  return <Editor key={key} userId={userId} latest={latest} defaults={profile.data} onCreated={created} />;
}
