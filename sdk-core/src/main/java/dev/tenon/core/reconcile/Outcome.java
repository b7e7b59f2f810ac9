package dev.tenon.core.reconcile;

import java.time.Duration;

/** How a pass over an instance ended. */
sealed interface Outcome {
    /** Nothing more to do now. */
    record Settled() implements Outcome {}

    /** Something changed: look again at once. */
    record LookAgain() implements Outcome {}

    /** Look again after a while. */
    record Later(Duration pause) implements Outcome {}

    /** The instance is no longer ours to work on. */
    record NotOurs() implements Outcome {}
}
