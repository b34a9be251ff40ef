/** What replicas tell each other to read again. */
export type ChangeTopic = "keys" | "policies";

/** Tells replicas of changes at once, where there is a shared store; who needs certainty polls as well. */
export interface ChangeFeed {
  /** Something of this kind has changed and is in the database. */
  announce(topic: ChangeTopic): void;
  /** Calls the listener for changes of others; returns what ends it. */
  onChange(topic: ChangeTopic, listener: () => void): () => void;
}
