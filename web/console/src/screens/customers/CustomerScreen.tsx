import { useQuery } from "@connectrpc/connect-query";
import { CustomerService } from "@invoice-app/client/services";
import { useParams } from "react-router";
import { Failure } from "../../components/Failure.js";
import { PageHead } from "../../components/PageHead.js";
import { PageSkeleton } from "../../components/PageSkeleton.js";
import { CustomerEditor } from "./CustomerEditor.js";

export function Component() {
  const { customerId = "new" } = useParams();
  const isNew = customerId === "new";
  // What is edited is what the server has now, not what it once answered.
  const fresh = { enabled: !isNew, staleTime: 0, refetchOnMount: "always" } as const;
  const { data, error, isFetchedAfterMount, refetch } = useQuery(CustomerService.method.getCustomer, { customerId }, fresh);
  if (!isNew && (data === undefined || !isFetchedAfterMount)) {
    return error === null ? <PageSkeleton /> : <Failure error={error} again={() => void refetch()} />;
  }
  return (
    <>
      <PageHead
        title={isNew ? "New customer" : data?.party?.name || "Customer"}
        back={{ to: "/customers", name: "Customers" }}
      />
      <CustomerEditor key={customerId} latest={isNew ? undefined : data} />
    </>
  );
}
