import { useQuery } from "@connectrpc/connect-query";
import { ProfileService } from "@invoice-app/client/services";
import { Failure } from "../../components/Failure.js";
import { PageHead } from "../../components/PageHead.js";
import { PageSkeleton } from "../../components/PageSkeleton.js";
import { ProfileEditor } from "./ProfileEditor.js";
import "./company.css";

export function Component() {
  const { data, error, refetch } = useQuery(ProfileService.method.getProfile);
  if (data === undefined) {
    return error === null ? <PageSkeleton /> : <Failure error={error} again={() => void refetch()} />;
  }
  return (
    <>
      <PageHead title="Company" />
      <ProfileEditor profile={data} />
    </>
  );
}
