package dev.tenon.api;

/** Who can mend a failure, and whether repeating the call can help. */
public enum ErrorCategory {
    /** The caller's input is wrong; the same call always fails. */
    USER,
    /** The call clashes with the present state; look again, then decide. */
    CONFLICT,
    /** Something outside did not answer or was busy; the same call may succeed later. */
    TRANSIENT,
    /** Nothing is wrong but there is no room; free some or ask for more. */
    CAPACITY,
    /** The place needs a person: a missing program, a wrong owner, a defect. */
    INTERNAL
}
