// Days and instants as people write them.

import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";

/** `2026-03-02` as `Mar 2, 2026`; blank stays blank. */
export function formatDay(day: string, locale?: string): string {
  const date = asDate(day);
  return date === undefined ? day : new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" }).format(date);
}

export function formatInstant(instant: Timestamp | undefined, locale?: string): string {
  const style = { dateStyle: "medium", timeStyle: "short" } as const;
  return instant === undefined ? "" : new Intl.DateTimeFormat(locale, style).format(timestampDate(instant));
}

/** `today`, `in 3 days`, `5 days ago`: how far `day` is from `today`, both `YYYY-MM-DD`. */
export function fromToday(day: string, today = todayHere(), locale?: string): string {
  const [date, now] = [asDate(day), asDate(today)];
  if (date === undefined || now === undefined) {
    return "";
  }
  const days = Math.round((date.getTime() - now.getTime()) / 86_400_000);
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day");
}

/** The day of this machine's calendar. */
export function todayHere(now = new Date()): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

function asDate(day: string): Date | undefined {
  return /^\d{4}-\d\d-\d\d$/.test(day) ? new Date(`${day}T00:00:00Z`) : undefined;
}
