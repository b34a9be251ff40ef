/** One server-sent event. */
export interface SseEvent {
  readonly event?: string;
  /** Without line breaks. */
  readonly data: string;
}

/** The event as bytes on the wire. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export function frameEvent(event: SseEvent, lineEnd = "\n"): string {
  const name = event.event === undefined ? "" : `event: ${event.event}${lineEnd}`;
  return `${name}data: ${event.data}${lineEnd}${lineEnd}`;
}
