import { PageHead } from "../../components/PageHead.js";

export function Component() {
  return <PageHead title="InvoiceScreen" />;
}
