import { UNLIMITED, type Principal } from "../policy/principal.ts";

/** A caller of whom nothing is asked, for tests. */
export const CALLER: Principal = {
  ...UNLIMITED,
  keyId: "key-1",
  name: "test",
  role: "chat",
  allowsModel: () => true,
};
