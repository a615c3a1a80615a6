import { SecurityEvent_Type as Type } from "@invoice-app/client/services";

const TEXTS: Readonly<Record<Type, string>> = {
  [Type.UNSPECIFIED]: "Something else",
  [Type.REGISTERED]: "You registered",
  [Type.SIGNED_IN]: "Signed in",
  [Type.SIGN_IN_FAILED]: "Sign-in failed: wrong password",
  [Type.SIGNED_OUT]: "Signed out",
  [Type.REFRESH_TOKEN_REUSED]: "A stolen sign-in may have been used; it was ended",
  [Type.PASSWORD_CHANGED]: "Password changed",
  [Type.PASSWORD_CHANGE_FAILED]: "Password change failed: wrong password",
  [Type.SESSION_REVOKED]: "A session was ended",
  [Type.OTHER_SESSIONS_REVOKED]: "All other sessions were ended",
  [Type.SIGNING_KEYS_ROTATED]: "The service changed its signing keys",
  [Type.SIGNING_KEY_REVOKED]: "The service withdrew a signing key",
};

/** Newer servers know events that this page does not. */
export function securityText(type: Type): string {
  return TEXTS[type] ?? TEXTS[Type.UNSPECIFIED];
}

/** What a person should look at twice. */
export function isAlarming(type: Type): boolean {
  return [Type.SIGN_IN_FAILED, Type.REFRESH_TOKEN_REUSED, Type.PASSWORD_CHANGE_FAILED].includes(type);
}
