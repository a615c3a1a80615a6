import { AuthService } from "@invoice-app/client/services";
import { askAgain } from "../../api/cache.js";

/** Sessions and events have changed. */
export function refreshSecurity(): void {
  askAgain(AuthService.method.listSessions);
  askAgain(AuthService.method.listSecurityEvents);
}
