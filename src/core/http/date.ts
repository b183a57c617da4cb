const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
/** As dates of mail, HTTP, syslog and HAProxy name them. */
export const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
const DAY_MS = 86_400_000;
/** Days of 400, 100, 4 and 1 years in the Gregorian calendar. */
const ERA = 146_097;
/** From 1 March of the year 0, where the count below begins, to 1970-01-01. */
const TO_1970 = 719_468;

/**
 * `Sun, 06 Nov 1994 08:49:37 GMT`, RFC 9110 §5.6.7; `core` has no Date.
 * Years are counted from March, so that the leap day is the last one.
 * @param wallMs Milliseconds since 1970, not negative.
 */
export function httpDate(wallMs: number): string {
  const days = Math.floor(wallMs / DAY_MS);
  const seconds = Math.floor((wallMs - days * DAY_MS) / 1_000);
  const count = days + TO_1970;
  const era = Math.floor(count / ERA);
  const inEra = count - era * ERA;
  const year = Math.floor(
    (inEra - Math.floor(inEra / 1_460) + Math.floor(inEra / 36_524) - Math.floor(inEra / 146_096)) / 365,
  );
  const inYear = inEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const fromMarch = Math.floor((5 * inYear + 2) / 153);
  const day = inYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = (fromMarch + 2) % 12;
  const full = year + era * 400 + (month < 2 ? 1 : 0);
  const time = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return `${DAYS[(days + 4) % 7]}, ${two(day)} ${MONTHS[month]} ${full} ${time} GMT`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
