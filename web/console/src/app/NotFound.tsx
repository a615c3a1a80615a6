import { Link } from "react-router";
import { Empty } from "../components/Empty.js";

export function NotFound() {
  return (
    <Empty icon="search" title="There is nothing here" heading="h1">
      <p>The address leads nowhere. Perhaps what was here has been deleted.</p>
      <Link className="button primary" to="/invoices">
        To the invoices
      </Link>
    </Empty>
  );
}
