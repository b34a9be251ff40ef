/** When a budget begins anew. */
export type BudgetWindow =
  | {
      readonly kind: "calendar_hour" | "calendar_day" | "calendar_week" | "calendar_month";
      /** IANA name, for example `Europe/Berlin`. */
      readonly timezone: string;
    }
  /** The last `hours` hours, counted in whole hours. */
  | { readonly kind: "rolling"; readonly hours: number };
