import { patternScanner } from "../regex/index.ts";
import type { ScannerMaker } from "../scanner.ts";
import { CreditCardScanner } from "./credit-card.ts";
import { EmailScanner } from "./email.ts";
import { IbanScanner } from "./iban.ts";
import { IpAddressScanner } from "./ip-address.ts";
import { PHONE, US_SSN } from "./patterns.ts";

/** What personal data can be looked for, and what stands for it where a rule names no replacement. */
export const PII = {
  email: { scanner: (found) => new EmailScanner(found), replacement: "[EMAIL]" },
  phone: { scanner: patternScanner(PHONE, true).scanner, replacement: "[PHONE]" },
  credit_card: { scanner: (found) => new CreditCardScanner(found), replacement: "[CREDIT_CARD]" },
  iban: { scanner: (found) => new IbanScanner(found), replacement: "[IBAN]" },
  ip_address: { scanner: (found) => new IpAddressScanner(found), replacement: "[IP_ADDRESS]" },
  us_ssn: { scanner: patternScanner(US_SSN, true).scanner, replacement: "[US_SSN]" },
} as const satisfies Record<string, { scanner: ScannerMaker; replacement: string }>;

/** A kind of personal data. */
export type PiiKind = keyof typeof PII;

/** All kinds. */
export const PII_KINDS = Object.keys(PII) as readonly PiiKind[];
